/** Tools, as the model uses them: by `call` on /aos/tools/<name>, with the run's authority. */

import {
  AosError,
  asAosError,
  type Cancel,
  LIMITS,
  type Maybe,
  type Message,
  type PluginApi,
  parsePath,
  type ToolCall,
  type ToolSpec,
  then,
} from '../plugin-sdk/index.ts';
import type { Run } from './run.ts';
import { Halted } from './switch.ts';

const TOOLS = parsePath('/aos/tools');

/** What the model is told of the agent's tools. */
export function toolSpecs(
  { aos, self }: Pick<PluginApi, 'aos' | 'self'>,
  names: readonly string[],
  cancel?: Cancel,
): Maybe<readonly ToolSpec[]> {
  if (names.length === 0) return [];
  // The tools plugin answers this request with specs and nothing else (plugin-sdk/backend.ts).
  return then(aos.call(self, TOOLS, { op: 'specs', names }, cancel), specs => specs as readonly ToolSpec[]);
}

/** Uses one tool. Whatever goes wrong is a failed result that the model is shown; only a halted run throws. */
export async function useTool({ aos }: Pick<PluginApi, 'aos'>, run: Run, call: ToolCall): Promise<Message> {
  const { id, name, args } = call;
  run.trace('tool_call', { id, tool: name, args });
  let text: string;
  let ok = true;
  try {
    if (!run.plan.agent.tools.includes(name)) throw unknownTool(run, name);
    text = clip(asText(await run.hard.race(aos.call(run.caller, parsePath(`/aos/tools/${name}`), args, run.hard))));
  } catch (thrown) {
    if (thrown instanceof Halted || run.hard.aborted) throw new Halted();
    ok = false;
    text = asAosError(thrown, 'procs').message;
  }
  const result = { id, status: ok ? 'ok' : 'error', bytes: Buffer.byteLength(text) };
  run.trace('tool_result', result, { tool: name, result: text });
  return { role: 'tool', id, name, text, ok };
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

function clip(text: string): string {
  if (Buffer.byteLength(text) <= LIMITS.tool_result_bytes_max) return text;
  const cut = Buffer.from(text).subarray(0, LIMITS.tool_result_bytes_max).toString();
  return `${cut}\n[cut: a result holds at most ${LIMITS.tool_result_bytes_max} bytes]`;
}

function unknownTool(run: Run, name: string): AosError {
  const { tools } = run.plan.agent;
  return new AosError('not_found', {
    component: 'procs',
    path: '/aos/tools',
    why: `agent ${run.info.agent} has no tool ${JSON.stringify(name.slice(0, 80))}`,
    remedy: tools.length === 0 ? 'answer without tools' : `its tools are ${tools.join(', ')}`,
  });
}
