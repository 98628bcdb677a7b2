/** The levers of policy as files: unlock, lock, leases, budget, blocked, breaker. */

import {
  type Caller,
  callable,
  dir,
  type Maybe,
  type PluginApi,
  type PolicyControl,
  then,
  value,
} from '../plugin-sdk/index.ts';
import { looking, parseRequest, parseRequestSoFar } from './asked.ts';
import {
  breakerCall,
  breakerCheck,
  breakerText,
  breakerWrite,
  budgetReport,
  budgetsFor,
  budgetText,
} from './budget.ts';
import type { Failures } from './failures.ts';
import { leaseShape, leasesOf, lock, mayLock } from './leases.ts';
import { mayUnlock, unlock } from './unlock.ts';

interface Id {
  readonly id: string;
}

/** What is locked is opened here, for a while, and shut again. */
export function leaseRoutes(api: PluginApi, policy: PolicyControl) {
  const keeper = { api, policy };
  const shapes = (caller: Caller): object[] => leasesOf(keeper, caller).map(lease => leaseShape(keeper, caller, lease));
  const find = (caller: Caller, id: string): object | undefined => {
    const lease = leasesOf(keeper, caller).find(one => String(one.id) === id);
    return lease && leaseShape(keeper, caller, lease);
  };
  return {
    '/unlock': callable<unknown>(
      async (args, text) => reply(await unlock(keeper, args, parseRequest(text, '/aos/system/unlock'))),
      {
        call: (args, request) => unlock(keeper, args, request),
        check: (args, text) => checked(text, '/aos/system/unlock', request => mayUnlock(keeper, args.caller, request)),
      },
    ),
    '/lock': callable<unknown>(
      async (args, text) => reply(await lock(keeper, args, parseRequest(text, '/aos/system/lock'))),
      {
        call: (args, request) => lock(keeper, args, request),
        check: (args, text) => checked(text, '/aos/system/lock', request => mayLock(keeper, args.caller, request)),
      },
    ),
    '/leases': dir<unknown>(({ caller }) => leasesOf(keeper, caller).map(lease => String(lease.id)), {
      call: looking(({ caller }) => shapes(caller)),
    }),
    '/leases/:id': value<Id>({
      exists: ({ caller, id }) => find(caller, id) !== undefined,
      read: ({ caller, id }) => JSON.stringify(find(caller, id)),
    }),
  };
}

/** What is left to spend, what was refused for want of it, and the machine's own switch. */
export function moneyRoutes(api: PluginApi, policy: PolicyControl, failures: Failures) {
  const keeper = { api, policy };
  const blocked = (caller: Caller, id: string): object | undefined =>
    failures.blocked(caller).find(one => String(one.id) === id)?.refusal;
  const layers = (caller: Caller, layer: string): Maybe<string[]> =>
    then(budgetsFor(keeper, caller), states => states.filter(state => state.layer === layer).map(budgetText));
  const names = (caller: Caller): Maybe<Set<string>> =>
    then(budgetsFor(keeper, caller), states => new Set(states.map(state => state.layer)));
  return {
    '/budget': dir<unknown>(({ caller }) => names(caller), {
      call: looking(({ caller }, request) => budgetReport(keeper, caller, request)),
    }),
    '/budget/:layer': value<{ readonly layer: string }>({
      exists: ({ caller, layer }) => then(layers(caller, layer), found => found.length > 0),
      read: ({ caller, layer }) => then(layers(caller, layer), found => found.join('\n\n')),
    }),
    '/blocked': dir<unknown>(({ caller }) => failures.blocked(caller).map(({ id }) => String(id)), {
      call: looking(({ caller }) => failures.blocked(caller)),
    }),
    '/blocked/:id': value<Id>({
      exists: ({ caller, id }) => blocked(caller, id) !== undefined,
      read: ({ caller, id }) => JSON.stringify(blocked(caller, id)),
    }),
    '/breaker': value<unknown>({
      read: ({ caller }) => breakerText(policy, caller),
      check: (_args, text) => breakerCheck(text),
      write: (_args, text) => breakerWrite(policy, text),
      call: (args, request) => breakerCall(policy, args, request),
    }),
  };
}

/** Refuses a request as it is written: shells do not hear what close says. */
function checked(text: string, at: string, may: (request: unknown) => Maybe<void>): Maybe<void> {
  const found = parseRequestSoFar(text, at);
  return found && may(found.request);
}

function reply(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
