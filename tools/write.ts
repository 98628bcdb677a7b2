import { type Aos, type Cancel, defineTool, type Path, schema, type ToolContext } from '../plugin-sdk/index.ts';
import { checked, parametersOf } from './checked.ts';
import { cancelOf, isKind, toolPath } from './content.ts';

const Args = schema(z =>
  z.strictObject({
    path: z.string().min(1).describe('The file, such as /aos/memory/notes.md. It is made where it does not exist.'),
    text: z.string().describe('What to write.'),
    append: z.boolean().default(false).describe('Add to the end instead of replacing the whole.'),
  }),
);
const parameters = parametersOf(Args);

type Stats = Awaited<ReturnType<Aos['stat']>>;

export const writeTool = defineTool({
  name: 'write',
  description: 'Writes text to a file of the tree, where the agent may; memory is the place for what should be kept.',
  get parameters() {
    return parameters();
  },
  async run(context, given) {
    const { path: asked, text, append } = checked('write', Args, given);
    const path = toolPath(asked);
    const body = Buffer.from(text);
    const cancel = cancelOf(context);
    const there = append ? await statOf(context, path, cancel) : undefined;
    if (there?.kind === 'file') await addTo(context, path, body, cancel);
    else await context.aos.write(context.caller, path, body, cancel);
    return { path, bytes: body.length };
  },
});

async function statOf({ aos, caller }: ToolContext, path: Path, cancel: Cancel): Promise<Stats | undefined> {
  try {
    return await aos.stat(caller, path, cancel);
  } catch (error) {
    if (isKind(error, 'not_found')) return undefined;
    throw error;
  }
}

async function addTo({ aos, caller }: ToolContext, path: Path, body: Uint8Array, cancel: Cancel): Promise<void> {
  const handle = await aos.open(caller, path, { read: false, write: true, append: true, truncate: false }, cancel);
  try {
    const { size } = await handle.stat();
    for (let at = 0; at < body.length; ) at += await handle.write(size + at, body.subarray(at), cancel);
    await handle.flush(cancel);
  } finally {
    handle.close();
  }
}
