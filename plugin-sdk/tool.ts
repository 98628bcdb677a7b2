/** A tool that an agent may call: served under /aos/tools/<name>/. It acts with the caller's authority, never its own. */

import type { Aos, Caller, Maybe, Micros } from '../core/types.ts';

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What one call costs; 0 where left out. */
  readonly cost?: Micros;
  /** The result, as JSON or text. Throws AosError, which the model is shown as a failed result. */
  run(context: ToolContext, args: Readonly<Record<string, unknown>>): Maybe<unknown>;
}

export interface ToolContext {
  readonly aos: Aos;
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

export function defineTool(tool: Tool): Tool {
  return Object.freeze(tool);
}
