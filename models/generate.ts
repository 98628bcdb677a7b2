/** One answer of one model. */

import {
  AosError,
  type Maybe,
  type Micros,
  type ModelCall,
  type ModelEvent,
  type Op,
  type PricedEvent,
  then,
} from '../plugin-sdk/index.ts';
import { type Ask, costAtMost, isFree, paidOutput, requirePrice } from './estimate.ts';
import { metered } from './meter.ts';
import type { Counted } from './prompt.ts';
import type { Model } from './providers.ts';
import { asModelCall } from './request.ts';

/** What bounds the cost of a request, beside the request. */
export interface Bounds {
  readonly counted: Counted;
  /** No single operation can reserve so much. */
  ceiling(): Micros;
}

/** The most that a request can cost. Throws as `generate` does for a request that is not usable, or has no price. */
export function priceOfCall(model: Model, request: unknown, bounds: Bounds): Micros {
  return costAtMost(askOf(model, asModelCall(request), bounds));
}

function askOf(model: Model, request: ModelCall, { counted, ceiling }: Bounds): Ask {
  if (isFree(model.price)) return { model, request, prompt: 0, ceiling: 0 };
  const { provider, info, name } = model;
  const { messages, tools } = request;
  const prompt = provider.backend?.promptTokens?.({ model: info.name, messages, tools });
  return { model, request, prompt: prompt ?? counted.atMost(name, request), ceiling: ceiling() };
}

/** Throws `invalid` for the request, `unpriced`, or `upstream` where the model is not available, before anything is sent. */
export function generate(op: Op, model: Model, request: unknown, bounds: Bounds): Maybe<AsyncIterable<PricedEvent>> {
  const call = asModelCall(request);
  const { provider, info, price, name } = model;
  requirePrice(model, call.allowUnknownCost === true);
  return then(provider.available(), ({ ok, why }) => {
    if (!ok || provider.backend === undefined) {
      throw new AosError('upstream', {
        component: 'models',
        path: op.path,
        why: `${name} is not available: ${why}`,
        remedy: 'choose another model; see: aos ls /aos/models',
      });
    }
    if (!isFree(price) && op.meter.max === 0) throw unreserved(op, name);
    const wish = isFree(price) ? undefined : paidOutput(op.meter, askOf(model, call, bounds));
    const { backend } = provider;
    const start = (onSent: () => void): AsyncIterable<ModelEvent> =>
      backend.generate({
        model: info.name,
        messages: call.messages,
        tools: call.tools,
        // What is reserved for is also the most that is asked for.
        maxOutputTokens: wish === undefined ? call.maxOutputTokens : wish.output,
        signal: op.signal,
        caller: op.caller,
        onSent,
      });
    return metered(op, model, call, start, wish?.forMoney === true, bounds.counted);
  });
}

/** The model was not known yet when the gate asked for its price. */
function unreserved(op: Op, name: string): AosError {
  return new AosError('busy', {
    component: 'models',
    path: op.path,
    why: `what ${name} costs was only just found out, and nothing is reserved for it`,
    remedy: 'ask again',
  });
}
