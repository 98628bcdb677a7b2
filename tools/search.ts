/** Searches memory as it is, and past conversations by their index, as the caller may see them. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  AosError,
  defineTool,
  type IndexState,
  type Path,
  schema,
  type Tool,
  type ToolContext,
} from '../plugin-sdk/index.ts';
import { checked, parametersOf } from './checked.ts';
import { cancelOf, isKind, isText, readContent, toolPath } from './content.ts';
import { countWords, queryWords, wordPatterns } from './words.ts';

const FILES_MAX = 2_000;
const BYTES_MAX = 16 * 1024 * 1024;
const FILES_AT_ONCE = 16;
const FILE_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 16;
const HITS_PER_FILE_MAX = 3;
const EXCERPT_CHARS_MAX = 300;
const MEMORY = '/aos/memory';
const CONVERSATIONS = '/aos/conversations';

export interface Hit {
  readonly path: string;
  /** From 1; null where only the file is known. */
  readonly line: number | null;
  readonly excerpt: string;
}

interface Ranked extends Hit {
  readonly score: number;
}

const Args = schema(z =>
  z.strictObject({
    query: z.string().min(1).describe('The words to look for. Lines that hold more of them come first.'),
    limit: z.number().int().min(1).max(100).default(10).describe('How many hits to give at most.'),
    path: z.string().optional().describe('Search below this path only, instead of memory and past conversations.'),
  }),
);
const parameters = parametersOf(Args);

export function searchTool(index: IndexState): Tool {
  return defineTool({
    name: 'search',
    description:
      'Finds lines in memory and in past conversations by words. Gives the path, the line number and the line.',
    get parameters() {
      return parameters();
    },
    async run(context, given) {
      const { query, limit, path } = checked('search', Args, given);
      const words = queryWords(query);
      if (words.length === 0) {
        throw new AosError('invalid', {
          component: 'tools',
          why: 'the query has no words',
          remedy: 'name what to look for',
        });
      }
      const search = new Search(context, wordPatterns(words));
      if (path !== undefined) await search.below(toolPath(path));
      else {
        await search.below(toolPath(MEMORY));
        await search.indexed(index, words, limit);
      }
      return search.result(limit);
    },
  });
}

class Search {
  private readonly context: ToolContext;
  private readonly patterns: readonly RegExp[];
  private readonly hits: Ranked[] = [];
  private readonly seen = new Set<string>();
  private files = 0;
  private bytes = 0;

  constructor(context: ToolContext, patterns: readonly RegExp[]) {
    this.context = context;
    this.patterns = patterns;
  }

  /** All text below `path`, or the file itself. What the caller may not see or read is passed over. */
  async below(path: Path, depth: number = 0): Promise<void> {
    const { aos, caller } = this.context;
    if (this.isFull()) return;
    try {
      const { kind } = await aos.stat(caller, path, cancelOf(this.context));
      if (kind === 'file' || kind === 'value') return await this.file(path);
      if (kind !== 'dir' || depth === DEPTH_MAX) return;
      for (const entry of await aos.list(caller, path, cancelOf(this.context))) {
        if (this.isFull()) return;
        if (entry.name.startsWith('.')) continue;
        if (entry.kind === 'dir' || entry.kind === 'file')
          await this.below(toolPath(`${path}/${entry.name}`), depth + 1);
      }
    } catch (error) {
      this.passOver(error);
    }
  }

  /** What the index finds, where the caller may see it; read again, so that the line is the file's own. */
  async indexed(index: IndexState, words: readonly string[], limit: number): Promise<void> {
    const found = new Map<string, string>();
    for (const query of [words.join(' '), ...(words.length > 1 ? words : [])]) {
      for (const { path, excerpt } of index.search(query, limit)) if (!found.has(path)) found.set(path, excerpt);
    }
    for (const [at, excerpt] of found) {
      if (this.isFull()) return;
      try {
        await this.indexedFile(toolPath(at.startsWith('/aos/') ? at : `${CONVERSATIONS}/${at}`), excerpt);
      } catch (error) {
        this.passOver(error);
      }
    }
  }

  /** The best hits first: more of the words, then memory before conversations, then in the order they were found. */
  result(limit: number): { hits: Hit[]; complete: boolean } {
    const ranked = this.hits.sort((a, b) => b.score - a.score || inMemory(b.path) - inMemory(a.path));
    return {
      hits: ranked.slice(0, limit).map(({ path, line, excerpt }) => ({ path, line, excerpt })),
      complete: !this.isFull(),
    };
  }

  private async indexedFile(path: Path, excerpt: string): Promise<void> {
    const { aos, caller } = this.context;
    if (this.seen.has(path)) return;
    const { kind } = await aos.stat(caller, path, cancelOf(this.context));
    const before = this.hits.length;
    if (kind === 'dir') await this.below(toolPath(`${path}/transcript.md`));
    else await this.file(path);
    if (this.hits.length > before) return;
    const line = clip(excerpt);
    this.hits.push({ path, line: null, excerpt: line, score: countWords(line, this.patterns) });
  }

  private async file(path: Path): Promise<void> {
    if (this.seen.has(path)) return;
    this.seen.add(path);
    this.files += 1;
    // Others are served in between: most of the tree answers at once, so nothing else here would wait.
    if (this.files % FILES_AT_ONCE === 0) await nextTurn();
    const { text, bytes } = await readContent(this.context, path, FILE_BYTES_MAX);
    this.bytes += bytes;
    if (!isText(text) || countWords(text, this.patterns) === 0) return;
    const found: Ranked[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      const score = countWords(line, this.patterns);
      if (score > 0) found.push({ path, line: index + 1, excerpt: clip(line), score });
    }
    this.hits.push(...found.sort((a, b) => b.score - a.score).slice(0, HITS_PER_FILE_MAX));
  }

  private isFull(): boolean {
    if (this.context.signal.aborted) {
      throw new AosError('interrupted', { component: 'tools', why: 'the search was stopped' });
    }
    return this.files >= FILES_MAX || this.bytes >= BYTES_MAX;
  }

  private passOver(error: unknown): void {
    if (!isKind(error, 'not_found', 'denied', 'locked', 'not_readable', 'link_loop', 'gone', 'is_dir')) throw error;
  }
}

function inMemory(path: string): number {
  return path.startsWith(`${MEMORY}/`) ? 1 : 0;
}

function clip(line: string): string {
  const trimmed = line.trim();
  return trimmed.length > EXCERPT_CHARS_MAX ? `${trimmed.slice(0, EXCERPT_CHARS_MAX)}...` : trimmed;
}
