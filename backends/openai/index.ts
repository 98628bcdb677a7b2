/**
 * OpenAI, or any server that speaks its chat completions. Options under `backends.openai`: `api_key` (or OPENAI_API_KEY),
 * `base_url` (or OPENAI_BASE_URL), `models`, `pricing`, `local`, `timeout_sec`, `max_retries`.
 */

import { defineBackend } from '../../plugin-sdk/index.ts';
import { ModelList } from './models.ts';
import { OPENAI_URL, type ServerOptions, serverOptions } from './options.ts';
import { openServer } from './server.ts';

const LISTING_TIMEOUT_MS = 2_000;

export const openaiBackend = defineBackend({
  name: 'openai',
  fork: 'text',
  bind: 'text',
  open(setup) {
    const server = serverOptions('openai', setup, OPENAI_URL);
    const list = new ModelList(server, LISTING_TIMEOUT_MS, setup.now);
    return openServer(server, list, ready(server), setup.now);
  },
});

function ready(server: ServerOptions): { ok: boolean; why: string } | undefined {
  if (server.apiKey === undefined && !server.configured) {
    return {
      ok: false,
      why: 'no key: set OPENAI_API_KEY or backends.openai.api_key, or name another server in backends.openai.base_url',
    };
  }
  return server.baseUrl === OPENAI_URL || server.models !== undefined ? { ok: true, why: 'configured' } : undefined;
}
