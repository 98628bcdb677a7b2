/** Says which daemon answers, and what it is doing. */

import { list } from '../mode.ts';
import { json, line } from '../output.ts';
import { type Fields, fields, items, number, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'status',
  summary: 'Say which daemon answers, and what it is doing',
  notes: 'Exits 1 where none answers. JSON: {pid, version, home, mount, driver, uptime_sec, model, runs}.',
  async run(context: Context) {
    const status = fields(await context.client.call('/aos/system/status', {}));
    if (context.json) json(status);
    else line(list(rows(status)));
  },
};

function rows(status: Fields): [string, string][] {
  return [
    ['daemon', `running as ${text(status, 'pid')}, version ${text(status, 'version')}`],
    ['up', `${Math.floor(number(status, 'uptime_sec'))} s`],
    ['home', text(status, 'home')],
    ['mount', mountText(status)],
    ['model', text(status, 'model', 'none')],
    ['runs', Array.isArray(status.runs) ? String(items(status.runs).length) : text(status, 'runs', '0')],
  ];
}

function mountText(status: Fields): string {
  const mount = text(status, 'mount');
  const driver = text(status, 'driver', 'none');
  return mount === '' || driver === 'none' ? 'none; the tree is reached by aos alone' : `${mount} (${driver} driver)`;
}
