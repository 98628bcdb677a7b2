/** Turns as their context.ctx has them, read with the right of whoever asked: what a run goes on from. */

import {
  AosError,
  type Caller,
  caught,
  LIMITS,
  type Maybe,
  type PluginApi,
  parsePath,
  readTranscript,
  schema,
  sha256,
  type TurnLink,
  then,
} from '../plugin-sdk/index.ts';

const CONVERSATIONS = '/aos/conversations';
const TURN = /^\d{4}\/\d{2}\/\d{2}\/(?!\.{1,2}$)[^/\0\n]+$/;
/** Prompt and answer together. Of turns before 0.3, the transcript. */
const FILE_BYTES_MAX = 1024 * 1024;
/** Of all turns that one run is told. */
const ALL_BYTES_MAX = 4 * 1024 * 1024;

/** One turn of a chain. */
export interface Turn {
  readonly link: TurnLink;
  readonly session: string;
  readonly prompt: string;
  readonly output: string;
  /** The turns that it went on from, oldest first. */
  readonly chain: readonly TurnLink[];
}

type Tree = Pick<PluginApi, 'aos'>;

const contextSchema = schema(z =>
  z.object({
    session: z.string(),
    prompt: z.string(),
    answer: z.string().nullable(),
    chain: z.array(z.object({ turn: z.string().regex(TURN), sha256: z.string() })).max(LIMITS.history_turns_max),
  }),
);

/** Of versions before 0.3: the text is in other files of the turn. */
const bareSchema = schema(z => z.object({ session: z.string(), chain: z.array(z.string()) }));

/** Throws `invalid` for a file that is no context, `busy` for the turn of a run that still goes. */
export function readTurn(api: Tree, reader: Caller, turn: string): Maybe<Turn> {
  const path = contextPath(turn);
  return then(readText(api, reader, path), text => {
    const link = { turn, sha256: sha256(text) };
    const value = parsed(text);
    if (isTooLong(value)) throw invalid(path, `its chain has more than ${LIMITS.history_turns_max} turns`);
    const found = contextSchema().safeParse(value);
    if (!found.success) {
      const bare = bareSchema().safeParse(value);
      if (!bare.success) throw invalid(path, 'it holds no context');
      return fromTranscript(api, reader, link, bare.data.session);
    }
    const { session, prompt, answer, chain } = found.data;
    if (answer === null) throw going(path);
    return { link, session, prompt, output: answer, chain };
  });
}

/** The turns up to the one whose context was given, oldest first. Throws `invalid` where one has changed or gone. */
export function turnsOf(api: Tree, reader: Caller, context: string): Maybe<readonly Turn[]> {
  const turn = turnOf(context);
  if (turn === undefined) throw invalid(context, 'it is not where contexts lie');
  return then(readTurn(api, reader, turn), last => {
    const chain = last.chain.slice(1 - LIMITS.history_turns_max);
    return chain.reduceRight<Maybe<readonly Turn[]>>(
      (after, link) =>
        then(after, turns =>
          then(linked(api, reader, link, context), found => {
            const all = [found, ...turns];
            if (sizeOf(all) > ALL_BYTES_MAX) throw tooLarge(context, 'the turns up to this one', ALL_BYTES_MAX);
            return all;
          }),
        ),
      [last],
    );
  });
}

function linked(api: Tree, reader: Caller, link: TurnLink, context: string): Maybe<Turn> {
  const lost = (thrown: unknown): never => {
    if (!(thrown instanceof AosError) || thrown.kind !== 'not_found') throw thrown;
    throw invalid(context, `${CONVERSATIONS}/${link.turn}, which it goes on from, is not there`, thrown);
  };
  const check = (turn: Turn): Turn => {
    if (turn.link.sha256 === link.sha256) return turn;
    throw invalid(context, `${CONVERSATIONS}/${link.turn}, which it goes on from, is not what it was`);
  };
  return caught(() => then(readTurn(api, reader, link.turn), check), lost);
}

function fromTranscript(api: Tree, reader: Caller, link: TurnLink, session: string): Maybe<Turn> {
  return then(readText(api, reader, `${CONVERSATIONS}/${link.turn}/transcript.jsonl`), lines => {
    const { prompt, output } = readTranscript(lines);
    return { link, session, prompt, output, chain: [] };
  });
}

/** Throws `too_large` before anything of it is read. */
function readText({ aos }: Tree, reader: Caller, path: string): Maybe<string> {
  const at = parsePath(path);
  return then(aos.stat(reader, at), ({ size }) => {
    if (size > FILE_BYTES_MAX) throw tooLarge(path, 'what is read of a turn', FILE_BYTES_MAX);
    return then(aos.read(reader, at), bytes => Buffer.from(bytes).toString());
  });
}

export function contextPath(turn: string): string {
  return `${CONVERSATIONS}/${turn}/context.ctx`;
}

function turnOf(context: string): string | undefined {
  const [, turn = ''] = /^\/aos\/conversations\/(.*)\/context\.ctx$/.exec(context) ?? [];
  return TURN.test(turn) ? turn : undefined;
}

function sizeOf(turns: readonly Turn[]): number {
  return turns.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0);
}

/** Before each of its links is looked at. */
function isTooLong(value: unknown): boolean {
  const chain: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'chain') : undefined;
  return Array.isArray(chain) && chain.length > LIMITS.history_turns_max;
}

function tooLarge(path: string, what: string, most: number): AosError {
  const why = `${what} may have ${most} bytes and no more`;
  return new AosError('too_large', { component: 'procs', path, why, remedy: 'begin a new session' });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function going(path: string): AosError {
  const why = 'its run still goes';
  return new AosError('busy', { component: 'procs', path, why, remedy: 'wait until it has ended: aos wait PID' });
}

function invalid(path: string, why: string, cause?: unknown): AosError {
  const remedy = `name the context.ctx of a turn, a directory below ${CONVERSATIONS}`;
  return new AosError('invalid', { component: 'procs', path, why, remedy, cause });
}
