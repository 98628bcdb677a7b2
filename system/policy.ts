/** The levers of policy as files: unlock, lock, leases, budget, blocked, breaker. */

import { type Caller, callable, dir, type PluginApi, type PolicyControl, value } from '../plugin-sdk/index.ts';
import { looking, parseRequest } from './asked.ts';
import { breakerCall, breakerText, breakerWrite, budgetReport, budgetsOf, budgetText } from './budget.ts';
import type { Failures } from './failures.ts';
import { leaseShape, leasesOf, lock } from './leases.ts';
import { unlock } from './unlock.ts';

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
      { call: (args, request) => unlock(keeper, args, request) },
    ),
    '/lock': callable<unknown>(
      async (args, text) => reply(await lock(keeper, args, parseRequest(text, '/aos/system/lock'))),
      { call: (args, request) => lock(keeper, args, request) },
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
export function moneyRoutes(policy: PolicyControl, failures: Failures) {
  const blocked = (caller: Caller, id: string): object | undefined =>
    failures.blocked(caller).find(one => String(one.id) === id)?.refusal;
  const layers = (caller: Caller, layer: string): string[] =>
    budgetsOf(policy, caller)
      .filter(state => state.layer === layer)
      .map(budgetText);
  return {
    '/budget': dir<unknown>(({ caller }) => new Set(budgetsOf(policy, caller).map(state => state.layer)), {
      call: looking(({ caller }, request) => budgetReport(policy, caller, request)),
    }),
    '/budget/:layer': value<{ readonly layer: string }>({
      exists: ({ caller, layer }) => layers(caller, layer).length > 0,
      read: ({ caller, layer }) => layers(caller, layer).join('\n\n'),
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
      write: (_args, text) => breakerWrite(policy, text),
      call: (args, request) => breakerCall(policy, args, request),
    }),
  };
}

function reply(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
