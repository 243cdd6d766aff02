import { defineConfig } from 'vitest/config';

// The tests run on what tsc built: worker threads, the CLI and the library are then the same files that users run.
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    exclude: ['node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
