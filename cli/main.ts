/** The command line's first file: the compile cache serves only what is loaded after it is on. */

import { keepCompiled } from './cache.ts';

keepCompiled();
const { main } = await import('./dispatch.ts');
// Whatever was to be written is: nothing is left to wait for.
process.exit(await main(process.argv.slice(2)));
