/** Model servers on this machine that speak OpenAI's chat completions, looked for where they usually listen. */

import { type Backend, defineBackend } from '../../plugin-sdk/index.ts';
import { ModelList } from '../openai/models.ts';
import { serverOptions } from '../openai/options.ts';
import { openServer } from '../openai/server.ts';

const PROBE_TIMEOUT_MS = 300;

/** Of a server that somebody named. */
const ASK_TIMEOUT_MS = 2_000;

/** `AOS_PROBE=0` keeps from looking; a server named in `backends.<name>.base_url` is used all the same. */
function localServer(name: string, port: number): Backend {
  return defineBackend({
    name,
    fork: 'text',
    bind: 'text',
    open(setup) {
      const server = serverOptions(name, setup, `http://127.0.0.1:${port}/v1`);
      const off = setup.env.AOS_PROBE === '0' && !server.configured;
      const list = new ModelList(
        server,
        off ? undefined : server.configured ? ASK_TIMEOUT_MS : PROBE_TIMEOUT_MS,
        setup.now,
      );
      return openServer(server, list, undefined, setup.now);
    },
  });
}

export const localBackends: readonly Backend[] = [
  localServer('llamacpp', 8080),
  localServer('vllm', 8000),
  localServer('sglang', 30000),
];
