/** A conversation over the socket that is not about one path: bytes both ways at once, with a caller who may act as an agent. */

import type { Caller, Cancel, DoorName } from '../core/types.ts';

export interface StreamExchange {
  /** Whoever asks, through the door named; `agent`: as that agent, run by them. */
  caller(door: DoorName, agent?: string): Promise<Caller>;
  readonly query: URLSearchParams;
  /** What the client sends, as it comes. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Fires when the client has gone, or the daemon stops. */
  readonly cancel: Cancel;
  /** Waits where the client reads slower. False: it has gone. */
  send(bytes: Uint8Array): Promise<boolean>;
}

/** Ends the reply by returning. An error before the first bytes is the reply. */
export type StreamHandler = (exchange: StreamExchange) => Promise<void>;
