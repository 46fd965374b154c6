import { describe, expect, test } from 'vitest';
import { EventLoop } from '../simulator/event-loop.ts';
import { scenarioOf } from '../simulator/generate.ts';
import { runOptions } from '../simulator/options.ts';
import type { Scenario } from '../simulator/scenario.ts';
import { shrink } from '../simulator/shrink.ts';
import { Pausable } from '../simulator/sim-process.ts';

describe('simulated time', () => {
  test('events run in the order of their time, equal ones in the order of their making, promises in between', async () => {
    const loop = new EventLoop();
    const seen: string[] = [];
    loop.schedule(20, undefined, () => seen.push('late'));
    loop.schedule(10, undefined, () => void Promise.resolve().then(() => seen.push('promise of a')));
    loop.schedule(10, undefined, () => seen.push('b'));
    await loop.runUntil(100, 1_000, () => false);
    expect(seen).toEqual(['promise of a', 'b', 'late']);
  });

  test('the paused catch up in order when they go on, the dead never do', async () => {
    const loop = new EventLoop();
    const seen: string[] = [];
    const [sleeper, corpse] = [new Pausable(loop), new Pausable(loop)];
    sleeper.pause();
    for (const name of ['first', 'second']) loop.schedule(5, sleeper, () => seen.push(`${name} ${loop.now}`));
    loop.schedule(5, corpse, () => seen.push('never'));
    corpse.kill();
    loop.schedule(50, undefined, () => sleeper.resume());
    await loop.runUntil(100, 1_000, () => false);
    expect(seen).toEqual(['first 50', 'second 50']);
  });
});

describe('scenarios', () => {
  test('a seed is the same scenario for ever, another seed another one', () => {
    expect(scenarioOf(7)).toEqual(scenarioOf(7));
    expect(scenarioOf(7)).not.toEqual(scenarioOf(8));
  });

  test('fleets have 1 to 200 hosts, mostly a few, and every kind of trouble comes up', () => {
    const scenarios = Array.from({ length: 3_000 }, (_, seed) => scenarioOf(seed));
    const sizes = scenarios.map(({ design }) => design.hosts.length);
    expect(Math.min(...sizes)).toBe(1);
    expect(Math.max(...sizes)).toBeGreaterThan(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
    expect(sizes.filter((size) => size <= 12).length).toBeGreaterThan(2_700);
    const kinds = new Set(scenarios.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].toSorted()).toEqual([
      'clear',
      'hold',
      'kill',
      'lift-quarantines',
      'offline',
      'pause',
      'pause-rollout',
      'restart-agent',
      'retry',
      'wipe',
    ]);
  });

  test('a failing scenario is shrunk to what makes it fail', async () => {
    const start = scenarioOf(69, 14);
    const wanted: Scenario = { ...start, faults: [...start.faults, { kind: 'wipe', atSeconds: 5 }] };
    const small = await shrink(
      wanted,
      async ({ faults }) => faults.some(({ kind }) => kind === 'wipe'),
      2_000,
    );
    expect(small.faults).toEqual([{ kind: 'wipe', atSeconds: 5 }]);
    expect(small.design.hosts).toHaveLength(1);
    expect(small.releases).toHaveLength(1);
    expect(small.design.budgets).toEqual([]);
    expect(small.weather).toEqual({ slow: 0, broken: 0, stale: 0 });
  });
});

describe('what is asked for', () => {
  test.each([
    [[], {}, { seeds: undefined, minutes: undefined, parts: new Set(['seeds']) }],
    [[], { SEEDS: '3-9' }, { seeds: [3, 9] }],
    [['--seed', '4'], { SEEDS: '3-9' }, { seeds: [4, 4] }],
    [[], { MINUTES: '1.5', SEEDS: '' }, { minutes: 1.5, seeds: undefined }],
    [['--workers', '1'], { WORKERS: '8' }, { workers: 1 }],
    [[], { WORKERS: '8' }, { workers: 8 }],
    [[], { WORKERS: '0' }, { workers: 1 }],
    [['--all'], {}, { parts: new Set(['stories', 'seeds', 'mutants']) }],
    [['--scenario', 'x.json'], {}, { scenario: 'x.json', parts: new Set() }],
  ] as const)('%j with %j', (args, env, expected) => {
    expect(runOptions(args, env)).toMatchObject(expected);
  });

  test('nonsense is refused with an example', () => {
    expect(() => runOptions([], { SEEDS: 'many' })).toThrow('give SEEDS=1-5000 or MINUTES=10');
  });
});
