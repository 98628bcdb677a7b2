/**
 * /aos/models: every model of every backend, with what it costs and whether it can answer. `call` on a model gives an async
 * iterable of PricedEvent; `call` on /aos/models with `{op: 'resolve', model?}` finds a model by any of its names.
 */

import {
  AosError,
  type Backend,
  type Budgets,
  definePlugin,
  dir,
  type Maybe,
  type Micros,
  type Plugin,
  parsePath,
  type Tree,
  then,
  tree,
  type Verb,
  value,
} from '../plugin-sdk/index.ts';
import { DefaultModel } from './default.ts';
import { type Bounds, generate, priceOfCall } from './generate.ts';
import { fromFileName, toFileName } from './names.ts';
import { Counted } from './prompt.ts';
import { type Model, Providers } from './providers.ts';
import { Resolver } from './resolve.ts';
import { defaultText, infoText, limitsText, pricingText, statusText, yesOrNo } from './text.ts';

export type { Resolved } from './resolve.ts';

/** `backends` in the order in which a default model is looked for; `env` is where they find their keys. */
export function modelsPlugin(
  backends: readonly Backend[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Plugin {
  return definePlugin({
    name: 'models',
    setup(api) {
      const { config, log, mount, now, signal } = api;
      const providers = new Providers({ backends, options: config.backends, env, log, now });
      const fallback = new DefaultModel(providers, config.model, now);
      const bounds: Bounds = { counted: new Counted(), ceiling: () => smallest(api.config.budgets) };
      const resolver = new Resolver(providers, fallback, config.aliases);
      mount({
        path: parsePath('/aos/models'),
        tree: modelsTree(providers, fallback, resolver, bounds),
        price: (verb, rest, request) => priceOf(providers, verb, rest, request, bounds),
      });
      // Not at `stop`: runs that drain still need their models.
      signal.addEventListener('abort', () => void providers.close(), { once: true });
      // Servers on this machine are looked for now, so that the first to need one seldom waits.
      fallback.get();
    },
  });
}

const FILES = ['info', 'pricing', 'limits', 'available', 'status'];

type Named = { readonly provider: string; readonly model: string };

function modelsTree(providers: Providers, fallback: DefaultModel, resolver: Resolver, bounds: Bounds): Tree {
  const find = ({ provider, model }: Named): Maybe<Model | undefined> =>
    providers.get(provider)?.model(fromFileName(model));
  const exists = (args: Named) => then(find(args), model => model !== undefined);
  const about = (text: (model: Model) => Maybe<string>) =>
    value<Named>({ exists, read: args => then(find(args), model => (model === undefined ? '' : text(model))) });
  const chosen = () => then(fallback.get(), choice => resolver.canonical(choice.name));
  return tree({
    '/': dir(() => ['default', ...providers.all.map(provider => provider.name)], {
      call: (args, request) => {
        args.told = false;
        return resolver.resolve(modelAsked(request));
      },
    }),
    '/default': value({
      read: () => then(fallback.get(), choice => defaultText(resolver.canonical(choice.name), choice)),
    }),
    '/:provider': dir(
      ({ provider }) =>
        then(providers.get(provider)?.models() ?? [], models => [
          'available',
          ...models.map(({ info }) => toFileName(info.name)),
        ]),
      { exists: ({ provider }) => providers.get(provider) !== undefined },
    ),
    '/:provider/available': value({
      exists: ({ provider }) => providers.get(provider) !== undefined,
      read: ({ provider }) => then(providers.get(provider)?.available() ?? { ok: false, why: '' }, yesOrNo),
    }),
    '/:provider/:model': dir(() => FILES, {
      exists,
      call: (args, request) =>
        then(find(args), model => {
          if (model === undefined)
            throw new AosError('not_found', { component: 'models', path: args.path, why: 'no such model' });
          return generate(args, model, request, bounds);
        }),
    }),
    '/:provider/:model/info': about(infoText),
    '/:provider/:model/pricing': about(pricingText),
    '/:provider/:model/limits': about(limitsText),
    '/:provider/:model/available': about(model => then(model.provider.available(), yesOrNo)),
    '/:provider/:model/status': about(model =>
      then(model.provider.available(), ({ ok }) => then(chosen(), name => statusText(ok, name === model.name))),
    ),
  });
}

/** The most that a `call` on a model can cost. Nothing else here costs anything. */
function priceOf(providers: Providers, verb: Verb, rest: string, request: unknown, bounds: Bounds): Micros {
  // Without a request nobody calls it: `explain` asks.
  if (verb !== 'call' || request === undefined) return 0;
  const [provider = '', name] = rest.split('/');
  const model = name === undefined ? undefined : providers.get(provider)?.atOnce(fromFileName(name));
  // One that is not known at once is refused by `generate`, where it turns out to cost something.
  return model === undefined ? 0 : priceOfCall(model, request, bounds);
}

/** No single operation can reserve as much as the smaller of the budgets that count every run. */
function smallest({ uid, global }: Budgets): Micros {
  return Math.min(...[uid, global].map(({ usd }) => (usd === 0 ? Number.POSITIVE_INFINITY : usd)));
}

function modelAsked(request: unknown): string | undefined {
  if (typeof request === 'object' && request !== null && 'op' in request && request.op === 'resolve') {
    const model = 'model' in request ? request.model : undefined;
    if (model === undefined || typeof model === 'string') return model;
  }
  throw new AosError('invalid', {
    component: 'models',
    path: '/aos/models',
    why: 'the request is not {"op": "resolve", "model": "provider/model"}',
    remedy: 'leave "model" out to ask for the default',
  });
}
