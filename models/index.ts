export * from './architectures/index.js';
