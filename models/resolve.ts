/** From what a user calls a model to the model. */

import { AosError, isPromise, type Maybe, type Path, type Pricing, parsePath, then } from '../plugin-sdk/index.ts';
import type { DefaultModel } from './default.ts';
import { isFree, OUTPUT_TOKENS_DEFAULT } from './estimate.ts';
import { nearest, splitName, toFileName } from './names.ts';
import type { Model, Provider, Providers } from './providers.ts';

/** The reply of `call` on /aos/models with `{op: 'resolve', model?}`. */
export interface Resolved {
  readonly path: Path;
  /** `provider/model`. */
  readonly name: string;
  readonly why: string;
  /** USD for a million tokens; null where unknown. */
  readonly pricing: Pricing | null;
  /** It costs nothing, as it runs on this machine. */
  readonly local: boolean;
  readonly contextTokens: number | null;
  readonly outputTokensMax: number | null;
  /** The output that is asked for where the request names no limit and the model costs money. */
  readonly outputTokensDefault: number;
}

export class Resolver {
  private readonly providers: Providers;
  private readonly fallback: DefaultModel;
  private readonly aliases: Readonly<Record<string, string>>;

  constructor(providers: Providers, fallback: DefaultModel, aliases: Readonly<Record<string, string>>) {
    this.providers = providers;
    this.fallback = fallback;
    this.aliases = aliases;
  }

  /** An alias, `provider/model`, a provider, a model's bare name, or nothing for the default. Throws `not_found`. */
  resolve(name: string | undefined): Maybe<Resolved> {
    if (name === undefined || name === '' || name === 'default') {
      return then(this.fallback.get(), choice =>
        then(this.find(choice.name), ({ model }) => resolved(model, choice.why)),
      );
    }
    return then(this.find(name), ({ model, why }) => resolved(model, why));
  }

  /** The name without its aliases. */
  canonical(name: string): string {
    return this.unalias(name).name;
  }

  private find(asked: string): Maybe<{ model: Model; why: string }> {
    const { name, way } = this.unalias(asked);
    const why = way.length === 0 ? 'it was asked for' : `${asked} is an alias of it`;
    const { provider: first, model } = splitName(name);
    const provider = this.providers.get(first);
    const found =
      provider === undefined
        ? this.byBareName(name)
        : then(model === undefined ? provider.models() : provider.model(model), one => (isList(one) ? one[0] : one));
    return then(found, one => {
      if (one !== undefined) return { model: one, why };
      return this.unknown(asked, name, provider);
    });
  }

  private unalias(asked: string): { name: string; way: string[] } {
    const way: string[] = [];
    let name = asked;
    for (;;) {
      const next = Object.hasOwn(this.aliases, name) ? this.aliases[name] : undefined;
      if (next === undefined || way.includes(name)) return { name, way };
      way.push(name);
      name = next;
    }
  }

  /** A model that one of the providers lists under this name. */
  private byBareName(name: string): Maybe<Model | undefined> {
    return then(this.everything(), models => models.find(model => model.info.name === name));
  }

  private everything(): Maybe<readonly Model[]> {
    const lists = this.providers.all.map(provider => provider.models());
    return lists.some(isPromise) ? Promise.all(lists).then(all => all.flat()) : (lists as (readonly Model[])[]).flat(); // None is a promise, as was just checked.
  }

  private unknown(asked: string, name: string, provider: Provider | undefined): Maybe<never> {
    const fail = (why: string, known: readonly string[]): never => {
      const meant = nearest(name, known);
      throw new AosError('not_found', {
        component: 'models',
        path: provider === undefined ? '/aos/models' : `/aos/models/${provider.name}`,
        why,
        remedy: meant === undefined ? 'see: aos ls /aos/models' : `did you mean ${meant}? see also: aos ls /aos/models`,
      });
    };
    const called = asked === name ? `"${asked}"` : `"${name}" (which "${asked}" stands for)`;
    if (provider === undefined) {
      return then(this.everything(), models =>
        fail(`there is no model ${called}`, [
          ...Object.keys(this.aliases),
          ...this.providers.all.map(({ name: known }) => known),
          ...models.flatMap(model => [model.info.name, model.name]),
        ]),
      );
    }
    return then(provider.available(), ({ ok, why }) =>
      then(provider.models(), models =>
        fail(
          `${provider.name} has no model ${called}${ok ? '' : `: ${why}`}`,
          models.map(model => model.name),
        ),
      ),
    );
  }
}

function isList(value: readonly Model[] | Model | undefined): value is readonly Model[] {
  return Array.isArray(value);
}

function resolved({ provider, info, price, name }: Model, why: string): Resolved {
  return {
    path: parsePath(`/aos/models/${provider.name}/${toFileName(info.name)}`),
    name,
    why,
    pricing: price.pricing,
    local: info.local && isFree(price),
    contextTokens: info.contextTokens,
    outputTokensMax: info.outputTokensMax,
    outputTokensDefault: Math.min(OUTPUT_TOKENS_DEFAULT, info.outputTokensMax ?? OUTPUT_TOKENS_DEFAULT),
  };
}
