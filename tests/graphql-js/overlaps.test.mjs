import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema } from 'graphql';

import { overlaps } from './overlaps.mjs';

function found(definitions) {
  return overlaps(buildSchema(`type Query { it: It } ${definitions}`));
}

test('leaves under one name have one type in all members of a union', () => {
  assert.deepEqual(
    found('union It = A | B  type A { a: Int, same: ID! }  type B { a: String, same: ID! }'),
    ['A.a is Int, B.a is String'],
  );
});

test('what may be absent and what is a list is part of a type', () => {
  assert.deepEqual(
    found('union It = A | B  type A { a: ID, b: [ID!]! }  type B { a: ID!, b: [ID]! }'),
    ['A.a is ID, B.a is ID!', 'A.b is [ID!]!, B.b is [ID]!'],
  );
});

test('objects under one name may differ, but not in a leaf that both have', () => {
  const union = 'union It = A | B  type A { page: As }  type B { page: Bs }';
  assert.deepEqual(found(`${union} type As { x: Int } type Bs { y: Int }`), []);
  assert.deepEqual(
    found(`${union} type As { x: Int } type Bs { x: Int! }`),
    ['As.x is Int, Bs.x is Int!'],
  );
});

test('an interface is compared with its own members', () => {
  assert.deepEqual(
    found('interface It { a: ID }  type A implements It { a: ID! }'),
    ['A.a is ID!, It.a is ID'],
  );
});
