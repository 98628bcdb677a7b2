import { defineTool, schema } from '../plugin-sdk/index.ts';
import { checked, parametersOf } from './checked.ts';
import { cancelOf, toolPath } from './content.ts';

const ENTRIES_MAX = 1_000;

const Args = schema(z =>
  z.strictObject({
    path: z.string().min(1).describe('The directory, such as /aos/memory.'),
  }),
);
const parameters = parametersOf(Args);

export const listTool = defineTool({
  name: 'list',
  description: 'Lists a directory of the tree. Directories end in a slash, links in @.',
  get parameters() {
    return parameters();
  },
  async run(context, given) {
    const path = toolPath(checked('list', Args, given).path);
    const entries = await context.aos.list(context.caller, path, cancelOf(context));
    const marks: Readonly<Record<string, string>> = { dir: '/', link: '@' };
    const names = entries.slice(0, ENTRIES_MAX).map(({ name, kind }) => `${name}${marks[kind] ?? ''}`);
    return { path, entries: names.sort(), complete: entries.length <= ENTRIES_MAX };
  },
});
