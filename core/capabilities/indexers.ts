/**
 * Programs that read whole trees unasked, by the name of their process: a courtesy to those who forgot to exclude a mount.
 * A name is easily changed; the locks and the budgets are the protection.
 */

/** As the kernel keeps names: 15 bytes at most. `*` stands for any ending. */
const NAMES = [
  'mds',
  'mds_stores',
  'mdworker*',
  'updatedb*',
  'plocate*',
  'mlocate*',
  'tracker-*',
  'tracker3*',
  'localsearch*',
  'baloo_*',
  'baloorunner',
  'recollindex',
  'zeitgeist-*',
];

const SHAPE = new RegExp(`^(?:${NAMES.map(name => name.replace('*', '.*')).join('|')})$`, 's');

export function isIndexer(comm: string): boolean {
  return SHAPE.test(comm);
}
