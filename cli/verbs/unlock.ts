/** Opens what is locked, for a while. */

import { dollars } from '../../agents/estimate.ts';
import { askLease, LEASE_FLAGS } from '../lease.ts';
import { json, line } from '../output.ts';
import { type Fields, number, text } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'unlock',
  summary: 'Open what is locked, for a while',
  args: '<path>',
  argHelp: ['a mount, or a path in it'],
  flags: [
    ...LEASE_FLAGS,
    { flags: '--scope <whom>', help: 'session (with all your terminals), uid or agent:NAME' },
    { flags: '--dry-run', help: 'print an estimate and open nothing' },
  ],
  notes: `Unlocked from a terminal it serves your interactive processes and that session; from a script, all that your user runs.
An agent's runs are served only by --scope=agent:NAME. A further unlock of the same path
for the same scope takes the place of the first.
JSON: {path, until, budget_usd, scope, id}; with --dry-run {estimate_usd, low_usd, high_usd, basis}.

Examples:
  aos unlock /aos/mnt/github --duration=30m
  aos unlock /aos/mnt/db --duration=2h --budget=0.50 --scope=agent:researcher`,
  async run(context: Context) {
    const { args, env, flags } = context;
    const path = treePath(args[0] ?? '', env);
    const dry = flags.on('dryRun');
    const scope = flags.text('scope');
    // It would be this command's own process, which ends with the answer.
    if (scope === 'process')
      throw flags.wrong('--scope takes session, uid or agent:NAME; `aos run` serves one command');
    const answer = await askLease(context, path, { scope, dry_run: dry });
    if (context.json) json(answer);
    else line(dry ? estimateText(answer) : leaseText(answer));
  },
};

function estimateText(estimate: Fields): string {
  const [likely, low, high] = ['estimate_usd', 'low_usd', 'high_usd'].map(name => dollars(number(estimate, name)));
  return `Estimated cost: $${likely} (range: ${low}-${high})\n${text(estimate, 'basis')}`;
}

export function leaseText(lease: Fields): string {
  const budget = typeof lease.budget_usd === 'number' ? `, for at most $${dollars(lease.budget_usd)}` : '';
  return [
    `${text(lease, 'path')} is open until ${text(lease, 'until')}${budget}`,
    `scope: ${text(lease, 'scope')} (${text(lease, 'why')})`,
    `shut it with: aos lock ${text(lease, 'path')}`,
  ].join('\n');
}
