/**
 * Canned answers, for tests and demonstrations. A file holds one JSON object a line:
 *
 *   match       regular expression on the last user message; left out: matches everything
 *   text        the answer, streamed word by word
 *   tool_calls  [{"name", "args"}], called after the text
 *   delay_ms    before the first token
 *   usage       {"input", "output", "cache_read", "cache_write"} in tokens; output is spread evenly over the text.
 *               Where it is not said: four bytes a token
 *   error       {"status", "message"}: fails as a server with that status would; after the text, where there is one
 *   repeat      how often the line may be used while the file stays as it is; left out: without end
 *
 * The first line that matches and is not used up answers. When tool results come back, the last user message is matched
 * again (and, where nothing matches it, the results); a line with tool_calls and no repeat answers only once between two
 * user messages, so the following line that matches takes over and a loop ends. A cap on output tokens cuts the text in
 * proportion, with reason `length`. Without a file one polite line answers everything. Free unless `pricing` is configured.
 */

import { AosError, defineBackend, type Message, type ModelInfo, schema } from '../../plugin-sdk/index.ts';
import { checkOptions } from '../options.ts';
import { answer, usageBefore } from './answer.ts';
import { chooseLine } from './choose.ts';
import { CannedFile, type CannedLine } from './lines.ts';

const Options = schema(z =>
  z.strictObject({
    file: z.string().min(1).optional(),
    /** Checked by who bills it. */
    pricing: z.unknown().optional(),
    output_tokens_max: z.number().int().positive().optional(),
    context_tokens: z.number().int().positive().optional(),
  }),
);

const POLITE: CannedLine = {
  number: 0,
  pattern: /(?:)/,
  text: 'Hello. This is the mock model: it gives canned answers, and no file of answers is configured (backends.mock.file).',
};

export const mockBackend = defineBackend({
  name: 'mock',
  fork: 'text',
  bind: 'text',
  open({ options, now }) {
    const { file, output_tokens_max, context_tokens } = isFileAlone(options)
      ? options
      : checkOptions(Options, options, 'mock', {});
    const canned = file === undefined ? undefined : new CannedFile(file);
    const model: ModelInfo = {
      name: 'default',
      contextTokens: context_tokens ?? null,
      outputTokensMax: output_tokens_max ?? null,
      pricing: null,
      local: true,
      summary: 'canned answers from a file, for tests and demonstrations',
    };
    return {
      models: () => [model],
      available: () => usable(canned),
      promptTokens: ({ messages }) => promptTokens(canned, messages),
      async *generate(request) {
        const line = canned === undefined ? POLITE : chooseLine(canned, request.messages);
        canned?.use(line);
        yield* answer(line, request, now);
      },
    };
  },
});

/** What the line that will answer says. Where none will, that is for `generate` to say. */
function promptTokens(canned: CannedFile | undefined, messages: readonly Message[]): number | undefined {
  try {
    const line = canned === undefined ? POLITE : chooseLine(canned, messages);
    const { input, cacheRead, cacheWrite } = usageBefore(line, messages);
    return (input ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0);
  } catch {
    return undefined;
  }
}

interface FileAlone {
  readonly file: string;
  readonly output_tokens_max?: undefined;
  readonly context_tokens?: undefined;
}

/** What `--mock FILE` gives. It is checked by hand, so that the start does not wait for the schema's library. */
function isFileAlone(options: object): options is FileAlone {
  return (
    Object.keys(options).length === 1 && 'file' in options && typeof options.file === 'string' && options.file !== ''
  );
}

function usable(canned: CannedFile | undefined): { ok: boolean; why: string } {
  if (canned === undefined) return { ok: true, why: 'no file configured: one polite line answers everything' };
  try {
    return { ok: true, why: `${canned.read().length} canned lines` };
  } catch (error) {
    if (error instanceof AosError) return { ok: false, why: error.why };
    throw error;
  }
}
