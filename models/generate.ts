/** One answer of one model. */

import { AosError, type Maybe, type Micros, type Op, type PricedEvent, then } from '../plugin-sdk/index.ts';
import { isFree, paidOutput, requirePrice } from './estimate.ts';
import { metered } from './meter.ts';
import type { Model } from './providers.ts';
import { asModelCall } from './request.ts';

/** Throws `invalid` for the request, `unpriced`, or `upstream` where the model is not available, before anything is sent. */
export function generate(op: Op, model: Model, request: unknown, ceiling: Micros): Maybe<AsyncIterable<PricedEvent>> {
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
    const wish = isFree(price) ? undefined : paidOutput(op.meter, model, call, ceiling);
    const events = provider.backend.generate({
      model: info.name,
      messages: call.messages,
      tools: call.tools,
      // What is reserved for is also the most that is asked for.
      maxOutputTokens: wish === undefined ? call.maxOutputTokens : wish.output,
      signal: op.signal,
      caller: op.caller,
    });
    return metered(op, model, call, events, wish?.forMoney === true);
  });
}
