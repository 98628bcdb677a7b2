import { AosError, defineTool, LIMITS, schema } from '../plugin-sdk/index.ts';
import { checked, parametersOf } from './checked.ts';
import { isText, readContent, toolPath } from './content.ts';

const SCAN_BYTES_MAX = 16 * 1024 * 1024;

/** Room for the note about what was left out. */
const RESULT_BYTES_MAX = LIMITS.tool_result_bytes_max - 1024;

const Args = schema(z =>
  z.strictObject({
    path: z.string().min(1).describe('What to read, such as /aos/memory/notes.md.'),
    offset: z.number().int().min(1).default(1).describe('The first line to give, from 1.'),
    limit: z.number().int().min(1).default(2_000).describe('How many lines to give at most.'),
  }),
);
const parameters = parametersOf(Args);

export const readTool = defineTool({
  name: 'read',
  description: 'Reads a text file of the tree, by lines.',
  get parameters() {
    return parameters();
  },
  async run(context, given) {
    const { path: asked, offset, limit } = checked('read', Args, given);
    const path = toolPath(asked);
    const { text, cut } = await readContent(context, path, SCAN_BYTES_MAX);
    if (!isText(text)) {
      throw new AosError('invalid', { component: 'tools', path, why: 'it is not text', remedy: 'read a text file' });
    }
    const lines = text.split('\n');
    if (lines.at(-1) === '' && !cut) lines.pop();
    const kept = fitting(lines.slice(offset - 1, offset - 1 + limit));
    const next = offset + kept.length;
    const more = next <= lines.length || cut;
    return more ? `${kept.join('\n')}\n[cut: go on with offset ${next}]` : kept.join('\n');
  },
});

/** As many lines as a result may hold; of a first line that is too long, its beginning. */
function fitting(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > RESULT_BYTES_MAX) {
      return kept.length > 0 ? kept : [Buffer.from(line).toString('utf8', 0, RESULT_BYTES_MAX)];
    }
    kept.push(line);
  }
  return kept;
}
