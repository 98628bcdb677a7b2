/** What goes into a tool's `call` file, and what comes out. */

import { AosError } from '../plugin-sdk/index.ts';

/** A request as a JSON object: text from the `call` file, or the object itself in process. Throws `invalid`. */
export function requestArgs(tool: string, request: unknown): Readonly<Record<string, unknown>> {
  const value = typeof request === 'string' ? parse(tool, request) : (request ?? {});
  if (isRecord(value)) return value;
  throw wrong(tool, 'it is not a JSON object');
}

/** Text as it is, anything else as JSON; ends in one newline. */
export function replyText(result: unknown): string {
  const text = typeof result === 'string' ? result : JSON.stringify(result ?? null);
  return text.endsWith('\n') ? text : `${text}\n`;
}

function parse(tool: string, text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong(tool, error instanceof Error ? error.message : String(error));
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(tool: string, why: string): AosError {
  return new AosError('invalid', {
    component: 'tools',
    path: `/aos/tools/${tool}/call`,
    why: `the request is not usable: ${why}`,
    remedy: `write one JSON object, as in /aos/tools/${tool}/schema.json`,
  });
}
