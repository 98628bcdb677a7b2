/** A `.ctx` file and the turns that it names, as text: what a run goes on from that was given a context. */

import {
  AosError,
  type Caller,
  isPromise,
  LIMITS,
  type PluginApi,
  parsePath,
  readTranscript,
  schema,
  sha256,
} from '../plugin-sdk/index.ts';
import type { Earlier, Turn } from './history.ts';

const CONVERSATIONS = '/aos/conversations';

const contextSchema = schema(z =>
  z.object({
    session: z.string().default(''),
    /** Hashes of prompt and answer of each turn; of a turn that was still going, of the prompt alone. */
    chain: z.array(z.string()),
    /** Of versions before 0.3 none: the file stands for the turn beside it. */
    turns: z.array(z.string().regex(/^\d{4}\/\d{2}\/\d{2}\/[^/]+$/)).default([]),
  }),
);

/** Reads with the right of whoever asked. Throws `invalid` for a file that is no context, or whose turns have changed or gone. */
export async function restored(
  api: Pick<PluginApi, 'aos'>,
  inviter: Caller,
  context: string,
  session: string,
): Promise<Earlier> {
  const text = async (path: string): Promise<string> => {
    const bytes = api.aos.read(inviter, parsePath(path));
    return Buffer.from(isPromise(bytes) ? await bytes : bytes).toString();
  };
  const dir = context.slice(0, context.lastIndexOf('/'));
  const file = parse(await text(context), context);
  const names = file.turns.length > 0 ? file.turns : [ownTurn(dir)];
  const first = Math.max(0, names.length - LIMITS.history_turns_max);
  const turns: Turn[] = [];
  for (let i = first; i < names.length; i++) {
    const conversation = names[i] ?? '';
    // The turn that the file lies with may have been copied, and the file with it.
    const place = i === names.length - 1 ? dir : `${CONVERSATIONS}/${conversation}`;
    const { prompt, output } = readTranscript(await text(`${place}/transcript.jsonl`).catch(lacking(context, place)));
    if (!isBlock(file.chain[2 * i], prompt) || !isBlock(file.chain[2 * i + 1], output)) {
      throw invalid(context, `the transcript of ${place} is not what it was`, 'take the context of another turn');
    }
    turns.push({ conversation, prompt, output });
  }
  return { turns, forkedFrom: file.session === session ? null : (names.at(-1) ?? null) };
}

function parse(text: string, context: string): ReturnType<ReturnType<typeof contextSchema>['parse']> {
  try {
    return contextSchema().parse(JSON.parse(text));
  } catch (cause) {
    const remedy = `name the context.ctx of a directory below ${CONVERSATIONS}`;
    throw invalid(context, 'it holds no context', remedy, cause);
  }
}

function ownTurn(dir: string): string {
  if (dir.startsWith(`${CONVERSATIONS}/`)) return dir.slice(CONVERSATIONS.length + 1);
  throw invalid(
    `${dir}/context.ctx`,
    'it names no turns',
    `name the context.ctx of a directory below ${CONVERSATIONS}`,
  );
}

/** No hash is that of a text which was not complete yet. */
function isBlock(hash: string | undefined, text: string): boolean {
  return hash === undefined || hash === sha256(text);
}

function lacking(context: string, place: string): (cause: unknown) => never {
  return cause => {
    if (!(cause instanceof AosError) || cause.kind !== 'not_found') throw cause;
    throw invalid(context, `the transcript of ${place} is not there`, 'take the context of another turn', cause);
  };
}

function invalid(path: string, why: string, remedy: string, cause?: unknown): AosError {
  return new AosError('invalid', { component: 'procs', path, why, remedy, cause });
}
