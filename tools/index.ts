/**
 * /aos/tools: what agents may call. Each tool acts with its caller's authority, through the same gate. `call` in process, on
 * a tool or on its `call` file, gives the value; written to the `call` file, a JSON request gives JSON or text.
 * `call` on /aos/tools with `{op: 'specs', names}` gives what a model is told about them.
 */

import {
  AosError,
  callable,
  definePlugin,
  dir,
  type Maybe,
  type Op,
  type Plugin,
  type PluginApi,
  parsePath,
  type Tool,
  type ToolSpec,
  type Tree,
  then,
  tree,
  value,
} from '../plugin-sdk/index.ts';
import { listTool } from './list.ts';
import { readTool } from './read.ts';
import { replyText, requestArgs } from './request.ts';
import { searchTool } from './search.ts';
import { writeTool } from './write.ts';

const FILES = ['schema.json', 'description', 'cost', 'enabled', 'call'];
const SPACE = 'tools.disabled';

export const toolsPlugin: Plugin = definePlugin({
  name: 'tools',
  setup(api) {
    const tools = new Tools(api, [searchTool(api.state.index), readTool, listTool, writeTool]);
    api.mount({
      path: parsePath('/aos/tools'),
      tree: toolsTree(tools),
      price: (verb, rest) => (verb === 'call' ? (tools.find(rest.split('/', 1)[0] ?? '')?.cost ?? 0) : 0),
    });
  },
});

type Named = { readonly tool: string };

function toolsTree(tools: Tools): Tree {
  const exists = ({ tool }: Named) => tools.find(tool) !== undefined;
  const run = (args: Op & Named, request: unknown) => tools.run(args.tool, args, requestArgs(args.tool, request));
  const routes = tree({
    '/': dir(() => tools.names(), { call: (_args, request) => tools.specs(namesAsked(request)) }),
    '/:tool': dir<Named>(() => FILES, { exists, call: run }),
    '/:tool/schema.json': value<Named>({
      exists,
      read: ({ tool }) => `${JSON.stringify(tools.get(tool).parameters, null, 2)}\n`,
    }),
    '/:tool/description': value<Named>({ exists, read: ({ tool }) => `${tools.get(tool).description}\n` }),
    '/:tool/cost': value<Named>({
      exists,
      read: ({ tool }) => `${(tools.get(tool).cost ?? 0) / 1_000_000}\n`,
    }),
    '/:tool/enabled': value<Named>({
      exists,
      read: ({ tool }) => `${tools.isEnabled(tool)}\n`,
      write: ({ tool }, text) => tools.enable(tool, text.trim()),
    }),
    '/:tool/call': callable<Named>((args, request) => then(run(args, request), replyText), { exists, call: run }),
  });
  return {
    node(rest, op) {
      if (rest !== '') tools.get(rest.split('/', 1)[0] ?? '');
      return routes.node(rest, op);
    },
  };
}

class Tools {
  private readonly api: PluginApi;
  private readonly byName: ReadonlyMap<string, Tool>;

  constructor(api: PluginApi, tools: readonly Tool[]) {
    this.api = api;
    this.byName = new Map(tools.map(tool => [tool.name, tool]));
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  find(name: string): Tool | undefined {
    return this.byName.get(name);
  }

  get(name: string): Tool {
    const tool = this.byName.get(name);
    if (tool !== undefined) return tool;
    throw new AosError('not_found', {
      component: 'tools',
      path: `/aos/tools/${name}`,
      why: 'there is no such tool',
      remedy: `there are: ${this.names().join(', ')}`,
    });
  }

  /** What a model is told. One that is switched off is left out. Throws `not_found`. */
  specs(names: readonly string[]): ToolSpec[] {
    return names
      .map(name => this.get(name))
      .filter(tool => this.isEnabled(tool.name))
      .map(({ name, description, parameters }) => ({ name, description, parameters }));
  }

  run(name: string, op: Op, args: Readonly<Record<string, unknown>>): Maybe<unknown> {
    const tool = this.get(name);
    if (!this.isEnabled(name)) {
      throw new AosError('not_permitted', {
        component: 'tools',
        path: `/aos/tools/${name}`,
        why: 'the tool is switched off',
        remedy: `switch it on with: echo true > /aos/tools/${name}/enabled`,
      });
    }
    if (tool.cost !== undefined) op.meter.spend(tool.cost);
    return tool.run({ aos: this.api.aos, caller: op.caller, signal: op.signal }, args);
  }

  isEnabled(name: string): boolean {
    return this.api.state.keys.get(SPACE, name) === undefined;
  }

  enable(name: string, text: string): void {
    if (text === 'true') this.api.state.keys.remove(SPACE, name);
    else if (text === 'false') this.api.state.keys.set(SPACE, name, text);
    else {
      throw new AosError('invalid', {
        component: 'tools',
        path: `/aos/tools/${name}/enabled`,
        why: `"${text.slice(0, 40)}" is neither true nor false`,
        remedy: 'write true or false',
      });
    }
  }
}

function namesAsked(request: unknown): readonly string[] {
  if (
    typeof request === 'object' &&
    request !== null &&
    'op' in request &&
    request.op === 'specs' &&
    'names' in request
  ) {
    const { names } = request;
    if (Array.isArray(names) && names.every(name => typeof name === 'string')) return names;
  }
  throw new AosError('invalid', {
    component: 'tools',
    path: '/aos/tools',
    why: 'the request is not {"op": "specs", "names": [...]}',
    remedy: 'name the tools, as aos ls /aos/tools shows them',
  });
}
