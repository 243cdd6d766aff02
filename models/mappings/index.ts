import { mobilenetV1Mappings, mobilenetV2Mappings } from './mobilenet.js';
import { resnetMappings } from './resnet.js';
import { squeezenetMappings } from './squeezenet.js';
import type { Mapping } from './types.js';
import { vggMappings } from './vgg.js';

export { KERAS_STATE, TORCH_COUNTERS, TORCH_WEIGHTS, type Mapping, type Naming } from './types.js';

/**
 * How other libraries name the weights of an architecture; none for networks that only this project has. A U-Net on an
 * encoder takes the classifier's.
 */
export function mappingsOf(architecture: string): readonly Mapping[] {
  const name = architecture.replace(/^unet-/, '');
  switch (name) {
    case 'vgg16': case 'vgg19': return vggMappings(name);
    case 'resnet18': case 'resnet34': case 'resnet50': return resnetMappings(name);
    case 'mobilenet-v1': return mobilenetV1Mappings();
    case 'mobilenet-v2': return mobilenetV2Mappings();
    case 'squeezenet': return squeezenetMappings();
    default: return [];
  }
}
