/** A table of routes says at once what it cannot serve. */

import test from 'ava';
import { file, tree } from '../../plugin-sdk/index.ts';

const any = file({ read: () => '' });

for (const name of ['path', 'caller', 'verb', 'signal', 'meter', 'cancel', 'told']) {
  test(`no parameter is called "${name}", which an operation has already`, t => {
    t.throws(() => tree({ [`/:${name}`]: any }), { message: /cannot name a parameter/ });
    t.throws(() => tree({ [`/x/*${name}`]: any }), { message: /cannot name a parameter/ });
  });
}

test('one part of a path has one name', t => {
  const message = /"id" in one route and "name" in another/;
  t.throws(() => tree({ '/:id/a': any, '/:name/b': any }), { message });
  t.throws(() => tree({ '/*id': any, '/*name': any }), { message });
  t.notThrows(() => tree({ '/:id/a': any, '/:id/b': any, '/x/:name': any, '/*rest': any }));
});
