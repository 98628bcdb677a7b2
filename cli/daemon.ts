/** The daemon's first file: the compile cache serves only what is loaded after it is on. */

import { keepCompiled } from './cache.ts';

keepCompiled();
const { serve } = await import('./serve.ts');
await serve(process.argv.slice(2));
