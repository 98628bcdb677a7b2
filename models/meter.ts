/** Puts money on a backend's events as the tokens arrive, and stops where the reservation ends. */

import {
  AosError,
  type Micros,
  type ModelCall,
  type ModelEvent,
  type Op,
  type PricedEvent,
  printUsd,
  type Usage,
} from '../plugin-sdk/index.ts';
import type { Price, Tokens } from './price.ts';
import { type Counted, likelyPrompt } from './prompt.ts';

/** Of text that the server has not counted yet. Few models need less than a token for so many bytes, so it is seldom too much. */
const BYTES_PER_TOKEN_AT_MOST = 6;
const BYTES_PER_TOKEN = 4;

/**
 * The events, with a `cost` after each that costs more: what was added since the last one. Where the reservation is used
 * up it throws `budget`, after what came; and so it does where an answer was cut at a length set `forMoney`. A request that
 * went out and ends before the server has counted its tokens is billed by size. What the server counted is remembered in
 * `counted`. `start` is called at the first event that is asked for, with what it calls when the request goes out.
 */
export async function* metered(
  op: Op,
  { name, price }: { readonly name: string; readonly price: Price },
  request: ModelCall,
  start: (onSent: () => void) => AsyncIterable<ModelEvent>,
  forMoney: boolean,
  counted: Counted,
): AsyncGenerator<PricedEvent> {
  const bill = new Bill(op, price, request);
  let cut = false;
  try {
    for await (const event of start(() => bill.sent())) {
      // Billed before it is passed on: whoever takes it may not come back.
      const cost = bill.add(event);
      yield event;
      if (cost > 0) yield { kind: 'cost', micros: cost };
      cut ||= event.kind === 'done' && event.reason === 'length';
      if (bill.usedUp) throw usedUp(op, name, bill.spent);
    }
    const rest = bill.close();
    if (rest > 0) yield { kind: 'cost', micros: rest };
    if (cut && forMoney) throw tooDear(op, name, request.maxCost ?? 0, bill.spent);
  } finally {
    bill.close();
    if (bill.said !== undefined) counted.learn(name, request, bill.said);
  }
}

class Bill {
  spent: Micros = 0;
  usedUp = false;
  /** What the server said last. */
  said: Usage | undefined;
  private readonly op: Op;
  private readonly price: Price;
  private readonly request: ModelCall;
  private readonly reserved: boolean;
  private outputBytes = 0;
  private isOut = false;
  private inputGuess: number | undefined;

  constructor(op: Op, price: Price, request: ModelCall) {
    this.op = op;
    this.price = price;
    this.request = request;
    this.reserved = op.meter.max > 0;
  }

  /** The request went out. */
  sent(): void {
    this.isOut = true;
  }

  /** What the event adds to the bill. */
  add(event: ModelEvent): Micros {
    if (event.kind === 'text') this.outputBytes += Buffer.byteLength(event.text);
    else if (event.kind === 'tool_call') this.outputBytes += Buffer.byteLength(JSON.stringify(event.call.args));
    else if (event.kind === 'usage') this.said = event.usage;
    else return 0;
    if (this.said !== undefined) return event.kind === 'usage' ? this.charge(this.tokens(this.said)) : 0;
    // Only the answer so far: what the prompt costs depends on the cache, which the server tells at the end.
    return this.charge({ ...NONE, output: Math.floor(this.outputBytes / BYTES_PER_TOKEN_AT_MOST) });
  }

  /** What is still to be billed, once, when nothing more comes. */
  close(): Micros {
    const touched = this.isOut || this.outputBytes > 0 || this.said !== undefined;
    if (!touched || (this.said !== undefined && this.said.output !== null)) return 0;
    return this.charge(this.tokens(this.said ?? UNSAID));
  }

  private charge(tokens: Tokens): Micros {
    const total = Math.ceil(this.price.cost(tokens) - ROUNDING);
    const more = total - this.spent;
    if (more <= 0) return 0;
    this.spent = total;
    if (!this.op.meter.spend(more) && this.reserved) this.usedUp = true;
    return more;
  }

  /** What the server did not say is guessed from the size. */
  private tokens(usage: Usage): Tokens {
    return {
      input: usage.input ?? this.guess(),
      cacheRead: usage.cacheRead ?? 0,
      cacheWrite: usage.cacheWrite ?? 0,
      output: usage.output ?? Math.ceil(this.outputBytes / BYTES_PER_TOKEN),
    };
  }

  private guess(): number {
    this.inputGuess ??= likelyPrompt(this.request);
    return this.inputGuess;
  }
}

const NONE: Tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
const UNSAID: Usage = { input: null, cacheRead: null, cacheWrite: null, output: null };

/** Sums of prices are not exact in binary; a whole amount must not be rounded up for that. */
const ROUNDING = 1e-6;

function tooDear(op: Op, name: string, maxCost: Micros, spent: Micros): AosError {
  return new AosError('budget', {
    component: 'models',
    path: op.path,
    why: `the answer of ${name} was cut at the length that the $${printUsd(maxCost)} left of the budget were sure to pay for ($${printUsd(spent)} spent)`,
    remedy: 'raise the budget, or ask for a shorter answer',
  });
}

function usedUp(op: Op, name: string, spent: Micros): AosError {
  return new AosError('budget', {
    component: 'models',
    path: op.path,
    why: `the answer of ${name} reached the $${printUsd(op.meter.max)} reserved for it ($${printUsd(spent)} used)`,
    remedy: 'raise the budget, or ask for a shorter answer',
  });
}
