/** The backends, opened, and what is known of their models. */

import {
  AosError,
  asAosError,
  type Backend,
  isPromise,
  type Log,
  type Maybe,
  type Millis,
  type ModelInfo,
  type OpenBackend,
  then,
} from '../plugin-sdk/index.ts';
import { type Configured, configuredPrices, type Price, pricedNames, priceOf } from './price.ts';
import { listed, listedContext } from './price-list.ts';

export interface ProvidersSetup {
  readonly backends: readonly Backend[];
  /** `backends` of the configuration. */
  readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  now(): Millis;
}

/** Providers that a user may look for and that this version has no backend for. */
const ABSENT: Readonly<Record<string, string>> = { anthropic: 'this version has no backend for it' };

export interface Availability {
  readonly ok: boolean;
  readonly why: string;
}

export interface Model {
  readonly provider: Provider;
  readonly info: ModelInfo;
  readonly price: Price;
  /** `provider/model`. */
  readonly name: string;
}

export class Providers {
  readonly all: readonly Provider[];
  private readonly byName: ReadonlyMap<string, Provider>;

  constructor(setup: ProvidersSetup) {
    const present = setup.backends.map(backend => new Provider(backend.name, open(backend, setup)));
    const absent = Object.entries(ABSENT)
      .filter(([name]) => !present.some(provider => provider.name === name))
      .map(([name, why]) => new Provider(name, { why }));
    this.all = [...absent, ...present];
    this.byName = new Map(this.all.map(provider => [provider.name, provider]));
  }

  get(name: string): Provider | undefined {
    return this.byName.get(name);
  }

  async close(): Promise<void> {
    for (const provider of this.all) await provider.backend?.close?.();
  }
}

interface Opened {
  readonly backend?: OpenBackend;
  readonly traits?: Pick<Backend, 'fork' | 'bind'>;
  readonly configured?: Configured;
  /** Why there is no backend. */
  readonly why: string;
}

/** A backend whose options are wrong is not available, and says why; the others are not disturbed. */
function open(backend: Backend, { options, env, log, now }: ProvidersSetup): Opened {
  const own = options[backend.name] ?? {};
  try {
    const configured = configuredPrices(backend.name, own);
    const opened = backend.open({ options: own, env, log, now });
    if (isPromise(opened)) throw new AosError('not_implemented', { component: 'models', why: 'it opens too slowly' });
    return { backend: opened, traits: backend, configured, why: '' };
  } catch (thrown) {
    const error = asAosError(thrown, `backends/${backend.name}`);
    log.error({ backend: backend.name, error: error.message }, 'a model backend cannot be used');
    return { traits: backend, why: error.remedy === undefined ? error.why : `${error.why}; ${error.remedy}` };
  }
}

export class Provider {
  readonly name: string;
  readonly backend: OpenBackend | undefined;
  readonly traits: Pick<Backend, 'fork' | 'bind'> | undefined;
  private readonly configured: Configured;
  private readonly why: string;
  /** As far as was ever listed, so that a price can be told without asking again. */
  private readonly known = new Map<string, Model>();

  constructor(name: string, { backend, traits, configured, why }: Opened) {
    this.name = name;
    this.backend = backend;
    this.traits = traits;
    this.configured = configured;
    this.why = why;
  }

  /** Never throws; whether it can answer now, and where not, why. */
  available(): Maybe<Availability> {
    if (this.backend === undefined) return { ok: false, why: this.why };
    return this.backend.available();
  }

  /** The default first. */
  models(): Maybe<readonly Model[]> {
    if (this.backend === undefined) return [];
    return then(this.backend.models(), infos => infos.map(info => this.current(info)));
  }

  /** A model that the backend lists, or one that it does not list but whose price is known. */
  model(name: string): Maybe<Model | undefined> {
    if (this.backend === undefined) return undefined;
    return then(this.models(), listed => this.known.get(name) ?? this.unlisted(name, listed));
  }

  /** As `model`, from what is known already. */
  atOnce(name: string): Model | undefined {
    const model = this.known.get(name) ?? this.model(name);
    return isPromise(model) ? undefined : model;
  }

  private unlisted(name: string, offered: readonly Model[]): Model | undefined {
    const own = pricedNames(this.configured).includes(name);
    // A server on this machine has what it says it has, whatever its models are called elsewhere.
    const isLocal = offered.length === 0 || offered.some(model => model.info.local);
    if (!own && (isLocal || listed(this.name, name) === undefined)) return undefined;
    const contextTokens = listedContext(this.name, name);
    return this.remember({ name, contextTokens, outputTokensMax: null, pricing: null, local: false });
  }

  private current(info: ModelInfo): Model {
    const known = this.known.get(info.name);
    return known?.info.contextTokens === info.contextTokens ? known : this.remember(info);
  }

  private remember(info: ModelInfo): Model {
    const { configured } = this;
    let price: Price | undefined;
    const model: Model = {
      provider: this,
      info,
      // When it is first asked for: the list of prices takes a while to load.
      get price() {
        price ??= priceOf(this.provider.name, info, configured);
        return price;
      },
      name: `${this.name}/${info.name}`,
    };
    this.known.set(info.name, model);
    return model;
  }
}
