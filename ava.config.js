export default {
  files: ['tests/**/*.test.ts'],
  extensions: { ts: 'module' },
  timeout: '60s',
  workerThreads: false,
  concurrency: 2,
};
