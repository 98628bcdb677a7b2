/** /aos/man: a page for each directory at the top of the tree and for each agent, made when it is read. */

import {
  AosError,
  definePlugin,
  dir,
  file,
  isPromise,
  type Maybe,
  type Plugin,
  type PluginApi,
  parsePath,
  then,
  tree,
  yaml,
} from '../plugin-sdk/index.ts';
import { agentSections } from './agent.ts';
import { PAGES, type Page } from './pages.ts';
import { render, type Section } from './render.ts';

const SOURCES = '/aos/etc/agents.d';
const SUFFIX = '.yaml';

export const manPlugin: Plugin = definePlugin({
  name: 'man',
  setup(api) {
    const names = (): Maybe<string[]> =>
      then(topNames(api), top => then(agentNames(api), agents => [...new Set([...top, ...agents])].sort()));
    api.mount({
      path: parsePath('/aos/man'),
      tree: tree({
        '/': dir(names),
        '/:name': file({
          exists: ({ name }) => then(names(), all => all.includes(name)),
          read: ({ name }) => page(api, name),
        }),
      }),
    });
  },
});

/** Those directories that are there and have a page. */
function topNames(api: PluginApi): Maybe<string[]> {
  return then(api.aos.list(api.self, parsePath('/aos')), entries =>
    entries.map(entry => entry.name).filter(name => Object.hasOwn(PAGES, name)),
  );
}

function agentNames(api: PluginApi): Maybe<string[]> {
  const sources = ifThere(() => api.aos.list(api.self, parsePath(SOURCES)));
  return then(sources, entries =>
    (entries ?? [])
      .map(entry => entry.name)
      .filter(name => name.endsWith(SUFFIX) && !name.startsWith('.'))
      .map(name => name.slice(0, -SUFFIX.length)),
  );
}

/** An agent that is called as a directory shares its page. */
async function page(api: PluginApi, name: string): Promise<string> {
  const top = Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
  const source = await ifThere(() => api.aos.read(api.self, parsePath(`${SOURCES}/${name}${SUFFIX}`)));
  const sections: Section[] = top === undefined ? [] : topSections(name, top);
  if (source !== undefined) sections.push(...agentSections(name, parsed(source)));
  return render(name, sections);
}

/** A source that is not YAML makes a page that says only where it is; the agent's own .error says what is wrong. */
function parsed(source: Uint8Array): unknown {
  try {
    return yaml().parse(Buffer.from(source).toString());
  } catch {
    return undefined;
  }
}

function topSections(name: string, { summary, synopsis, about }: Page): Section[] {
  return [
    { title: 'NAME', paragraphs: [`${name} - ${summary}`] },
    { title: 'SYNOPSIS', paragraphs: synopsis, asIs: true },
    { title: 'DESCRIPTION', paragraphs: about },
    { title: 'FILES', paragraphs: [`/aos/${name}/`], asIs: true },
  ];
}

function ifThere<T>(get: () => Maybe<T>): Maybe<T | undefined> {
  const absent = (error: unknown): undefined => {
    if (error instanceof AosError && error.kind === 'not_found') return undefined;
    throw error;
  };
  try {
    const found = get();
    return isPromise(found) ? found.catch(absent) : found;
  } catch (error) {
    return absent(error);
  }
}
