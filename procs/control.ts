/** ctl and stdin: what a user may tell a run. */

import { AosError, LIMITS, type Op } from '../plugin-sdk/index.ts';
import type { Run } from './run.ts';
import type { Table } from './table.ts';

type Act = (run: Run, table: Table) => void;

/** The whole grammar of a ctl file. */
const WORDS: Readonly<Record<string, Act>> = {
  stop: (run, table) => halt(run, table, 'stopped', false),
  kill: (run, table) => halt(run, table, 'killed', true),
  pause: run => run.pause(),
  resume: (run, table) => {
    run.resume();
    table.pump(run.info.agent);
  },
  checkpoint: run => {
    throw new AosError('unsupported', {
      component: 'procs',
      path: pathOf(run, 'ctl'),
      why: 'checkpoints are not made in this version',
      remedy: 'use stop: the transcript is kept',
    });
  },
};

export function control(op: Op, run: Run, table: Table, text: string): void {
  const act = wordOf(run, text);
  mayControl(op, run, 'ctl');
  act(run, table);
}

/** Throws `invalid` for what is no word of ctl, or the beginning of none where no newline has come yet. */
export function checkWord(run: Run, text: string, line: boolean): void {
  const begun = text.trimStart();
  if (begun === '') return;
  if (line || !Object.keys(WORDS).some(word => word.startsWith(begun) || begun.trimEnd() === word)) wordOf(run, text);
}

/** What a word of ctl does. Throws `invalid` for any other. */
function wordOf(run: Run, text: string): Act {
  const word = text.trim();
  const act = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (act !== undefined) return act;
  throw new AosError('invalid', {
    component: 'procs',
    path: pathOf(run, 'ctl'),
    why: `${JSON.stringify(word.slice(0, 40))} is not a word of ctl`,
    remedy: `write one of: ${Object.keys(WORDS).join(' ')}`,
  });
}

/** Refuses where as many messages wait for the run's next turn as a queue holds: a run that is paused takes none. */
export function hasRoom(run: Run): void {
  const { queue_depth_default: most } = LIMITS;
  if (run.inbox.length < most) return;
  throw new AosError('queue_full', {
    component: 'procs',
    path: pathOf(run, 'stdin'),
    why: `${most} messages wait for its next turn already`,
    remedy: run.paused ? 'resume it first: echo resume > ctl' : 'try again when it has taken them',
  });
}

/** A further message of the user, for the run's next turn. Throws `queue_full` where too many wait. */
export function standardInput(run: Run, text: string): void {
  if (text.trim() === '') {
    throw new AosError('invalid', {
      component: 'procs',
      path: pathOf(run, 'stdin'),
      why: 'the message is empty',
      remedy: 'write some text',
    });
  }
  hasRoom(run);
  run.inbox.push(text);
}

/** Refuses whoever is neither root nor the user the run acts for, and a run that has ended. */
export function mayControl({ caller }: Op, run: Run, name: string): void {
  if (caller.door !== 'system' && caller.uid !== 0 && caller.uid !== run.info.uid) {
    throw new AosError('not_permitted', {
      component: 'procs',
      path: pathOf(run, name),
      why: `the run belongs to uid ${run.info.uid}`,
      remedy: 'ask its owner, or root',
    });
  }
  if (run.end !== undefined) {
    throw new AosError('ended', {
      component: 'procs',
      path: pathOf(run, name),
      why: 'the run has ended',
      remedy: `see /aos/procs/${run.pid}/exit`,
    });
  }
}

function halt(run: Run, table: Table, reason: 'stopped' | 'killed', hard: boolean): void {
  if (run.started === null) table.dismiss(run, reason);
  else run.stop(reason, reason === 'killed' ? 'it was killed' : 'it was stopped', hard);
}

function pathOf(run: Run, name: string): string {
  return `/aos/procs/${run.pid}/${name}`;
}
