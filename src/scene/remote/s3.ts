import { AwsV4Signer } from 'aws4fetch';
import type { Response } from 'undici';
import { InvalidFileError } from '../../errors.js';
import { awsSettings } from './aws-settings.js';
import type { AwsSettings } from './aws-settings.js';
import type { RemoteFile } from './http-source.js';

/**
 * A file in a bucket of Amazon S3, or of a service that speaks its language: signed (Signature Version 4) with the usual
 * credentials where there are any, else as the public reads it.
 * @throws {InvalidFileError} if the URL is none of a bucket and a key
 * @throws {EnvironmentError} if credentials are set up that cannot be used
 */
export async function s3File(url: string): Promise<RemoteFile> {
  return bucketFile(url, await awsSettings());
}

function bucketFile(url: string, settings: AwsSettings): RemoteFile {
  const match = /^s3:\/\/([^/?#]+)\/(.+)$/i.exec(url);
  if (match === null) throw new InvalidFileError(url, 'expected s3://bucket/key');
  const [, bucket = '', key = ''] = match;
  let { region } = settings;
  const path = key.split('/').map((part) => encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)).join('/');
  const addressOf = (): string => {
    if (settings.endpoint !== undefined) return `${settings.endpoint.replace(/\/+$/, '')}/${bucket}/${path}`;
    const host = region === 'us-east-1' ? 's3.amazonaws.com' : `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
    // A certificate covers one label before the service's name.
    return bucket.includes('.') ? `https://${host}/${bucket}/${path}` : `https://${bucket}.${host}/${path}`;
  };
  return {
    name: `s3://${bucket}/${key}`,
    sibling: (change) => bucketFile(`s3://${bucket}/${change(key)}`, { ...settings, region }),
    refusedAdvice: 'check the bucket, and the credentials: AWS_ACCESS_KEY_ID or AWS_PROFILE, or AWS_NO_SIGN_REQUEST=YES for a public bucket',
    request: async (headers) => {
      const credentials = await settings.credentials();
      if (credentials === undefined) return { url: addressOf(), headers };
      const signer = new AwsV4Signer({
        url: addressOf(), method: 'GET', headers: { ...headers, 'x-amz-content-sha256': EMPTY_SHA256 }, service: 's3', region,
        accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey,
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      });
      const signed = await signer.sign();
      return { url: signed.url.href, headers: Object.fromEntries(signed.headers as unknown as Iterable<[string, string]>) };
    },
    // S3 tells where a bucket is when it is asked in the wrong region.
    learn: (response: Response) => {
      const told = response.headers.get('x-amz-bucket-region');
      const isNew = settings.endpoint === undefined && told !== null && /^[a-z0-9-]+$/.test(told) && told !== region;
      if (isNew) region = told;
      return Promise.resolve(isNew);
    },
  };
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
