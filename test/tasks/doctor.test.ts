import { describe, expect, it } from 'vitest';
import { doctor } from '../../src/tasks/doctor.js';

describe('doctor', () => {
  it('finds the CPU usable, and says of everything else why not and what to do', async () => {
    const result = await doctor();
    expect(result.onnxruntime.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(result.cores).toBeGreaterThan(0);
    expect(result.devices.map(({ device }) => device)).toEqual(['cpu', 'cuda', 'webgpu']);
    expect(result.devices[0]).toEqual({ device: 'cpu', usable: true });
    for (const { usable, reason, advice } of result.devices.slice(1)) {
      if (usable) continue;
      expect(reason).toMatch(/^[^\n]+$/);
      expect(advice).toMatch(/^it takes /);
    }
    expect(result.training.note).not.toBe('');
  });
});
