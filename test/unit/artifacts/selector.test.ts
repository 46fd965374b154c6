import { describe, expect, test } from 'vitest';
import { type Selector, selectorSchema } from '../../../src/api/artifacts/selector.ts';
import {
  selectedHosts,
  selectorKey,
  selectorSummary,
  selects,
} from '../../../src/core/artifacts/selector.ts';

function selector(members: Partial<Selector>): Selector {
  return selectorSchema.parse(members);
}

const host = { name: 'web-1', channel: 'stable', tags: ['web', 'eu'] };

describe('one satisfied member suffices', () => {
  test.each([
    ['nothing given', {}, false],
    ['all', { all: true }, true],
    ['its name', { hosts: ['db-1', 'web-1'] }, true],
    ['another name', { hosts: ['web-10'] }, false],
    ['its channel', { channel: 'stable' }, true],
    ['another channel', { channel: 'edge' }, false],
    ['all of these tags', { tags: ['eu', 'web'] }, true],
    ['all of these tags, of which it lacks one', { tags: ['eu', 'db'] }, false],
    ['one of these tags', { tagsAny: ['db', 'eu'] }, true],
    ['one of these tags, none of which it has', { tagsAny: ['db'] }, false],
    ['its channel, though the tags do not fit', { channel: 'stable', tags: ['db'] }, true],
  ])('%s', (_, members, expected) => {
    expect(selects(selector(members), host)).toBe(expected);
  });
});

test('equal means member by member, lists in order', () => {
  expect(selectorKey(selector({}))).toBe(selectorKey(selector({ tags: [], channel: null })));
  const unequal = [
    {},
    { tags: ['a', 'b'] },
    { tags: ['b', 'a'] },
    { tags: ['a,b'] },
    { tagsAny: ['a', 'b'] },
    { hosts: ['a', 'b'] },
    { channel: 'a' },
    { all: true },
  ];
  expect(new Set(unequal.map((members) => selectorKey(selector(members)))).size).toBe(unequal.length);
});

test.each([
  [{ all: true, channel: 'c' }, 'all'],
  [{ channel: 'c', tags: ['t'] }, 'channel:c'],
  [{ tags: ['b', 'a', 'b'], hosts: ['h'] }, 'tags:a,b,b'],
  [{ tagsAny: ['b', 'a'], hosts: ['h'] }, 'tags_any:a,b'],
  [{ hosts: ['h2', 'h10'] }, 'hosts:h10,h2'],
  [{ channel: '' }, 'channel:'],
  [{}, 'unknown'],
])('the summary of %j is %s', (members, summary) => {
  expect(selectorSummary(selector(members))).toBe(summary);
});

test('selected hosts come ascending by code point', () => {
  const member = { channel: 'c', tags: [] };
  expect(
    selectedHosts(selector({ all: true }), { '\uFFFD': member, h2: member, '😀': member, h10: member }),
  ).toEqual(['h10', 'h2', '\uFFFD', '😀']);
});
