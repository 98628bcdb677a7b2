import type { Backend } from '../plugin-sdk/index.ts';
import { localBackends } from './local/index.ts';
import { mockBackend } from './mock/index.ts';
import { offlineBackend } from './offline/index.ts';
import { openaiBackend } from './openai/index.ts';

/** What comes with this version, in the order in which a default model is looked for. */
export const builtinBackends: readonly Backend[] = [openaiBackend, ...localBackends, offlineBackend, mockBackend];
