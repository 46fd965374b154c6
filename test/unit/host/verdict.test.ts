import { describe, expect, it } from 'vitest';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { HostState } from '../../../src/api/wire/enums.ts';
import { conditionOf } from '../../../src/core/conditions.ts';
import { judgeSilence } from '../../../src/core/host/offline.ts';
import { isPassing, isUrgentVerdict, judgeHost } from '../../../src/core/host/verdict.ts';
import { sampleHost } from '../../support/kind-samples.ts';
import { at, recordObject, target } from './support.ts';

const RULES = { now: at(60), offlineAfterMs: 900_000, ledForMs: 3_600_000 };
const HEARD = { lastSeenTime: at(59) };
const SILENT = { lastSeenTime: at(1) };

function host(status?: HostStatus, declaredClosure: string | undefined = target): Host {
  const sample = sampleHost('ns');
  const { declaredClosure: _, ...spec } = sample.spec;
  return {
    ...sample,
    spec: { ...spec, ...(declaredClosure !== '' && { declaredClosure }) },
    ...(status && { status }),
  };
}

function inState(state: HostState): HostRolloutRecord {
  return recordObject({ state, lastEventSeq: 0 });
}

function shown(type: string, of: Host, records: readonly HostRolloutRecord[] = [], rules = RULES): string {
  const condition = conditionOf(judgeHost(of, records, rules).status.conditions, type);
  return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
}

describe('Online', () => {
  const young = { ...RULES, ledForMs: 0 };

  it.each<[string, HostStatus | undefined, typeof RULES, string]>([
    ['a host that was heard of', HEARD, RULES, 'True Heartbeats: The host reports.'],
    [
      'a host that nothing was heard of yet',
      undefined,
      RULES,
      'Unknown NeverSeen: The host has not reported yet.',
    ],
    ['a silent host', SILENT, RULES, `False Silent: Nothing was heard since ${at(1)}.`],
    [
      'a silent host under a new leader',
      SILENT,
      young,
      'Unknown NotJudgedYet: Silent; the operator has just started.',
    ],
  ])('says it of %s', (_, status, rules, expected) => {
    expect(shown('Online', host(status), [], rules)).toBe(expected);
  });

  it('says it of a host that was never heard of and should have been', () => {
    const old = host();
    const created = { ...old, metadata: { ...old.metadata, creationTimestamp: at(0) } };
    expect(shown('Online', created)).toBe('False NeverSeen: Never heard of.');
  });
});

describe('ClockSynced', () => {
  const remedy =
    "set it (status.clockSkewSeconds says how far it is off), or the operator's if many hosts say so.";

  it.each<[string, HostStatus | undefined, string]>([
    ['a host that was not heard of', undefined, 'Unknown NeverSeen: The host has not reported yet.'],
    ['a host that is right', HEARD, 'True ClockSynced: Host and operator agree on the time.'],
    [
      'a host that is ahead',
      { ...HEARD, clockSkewSeconds: 61 },
      `False ClockSkew: The clock of the host is ahead, so that it takes releases for older than they are and refuses them too early: ${remedy}`,
    ],
    [
      'a host that is behind',
      { ...HEARD, clockSkewSeconds: -61 },
      `False ClockSkew: The clock of the host is behind, so that it refuses releases as signed in the future: ${remedy}`,
    ],
  ])('says it of %s', (_, status, expected) => {
    expect(shown('ClockSynced', host(status))).toBe(expected);
  });
});

describe('Converged', () => {
  const runs = (closure: string): HostStatus => ({ ...HEARD, closure });
  const unmanaged = 'Unknown Unmanaged: No rollout in force is about this host.';

  it.each<[string, Host, readonly HostRolloutRecord[], string]>([
    ['is unknown without a record', host(runs(target)), [], unmanaged],
    ['is unknown where nothing is declared', host(runs(target), ''), [inState('Converged')], unmanaged],
    [
      'names the state of its record',
      host(runs(target)),
      [inState('Soaking')],
      'False Soaking: Soaking in stable@ab12.',
    ],
    [
      'takes a record without status as Pending',
      host(runs(target)),
      [recordObject()],
      'False Pending: Pending in stable@ab12.',
    ],
    [
      'is unknown until the host says what it runs',
      host(HEARD),
      [inState('Converged')],
      'Unknown NotReported: The host has not said what it runs.',
    ],
    [
      'is true on what is declared',
      host(runs(target)),
      [inState('Converged')],
      'True Declared: The host runs what is declared.',
    ],
    [
      'is false on anything else',
      host(runs('other')),
      [inState('Converged')],
      `False OtherClosure: The host does not run ${target}.`,
    ],
  ])('%s', (_, of, records, expected) => {
    expect(shown('Converged', of, records)).toBe(expected);
  });
});

describe('the status of a host', () => {
  it('shows state and rollout of its record, Pending where the record has no status', () => {
    expect(judgeHost(host(), [recordObject()], RULES).status).toMatchObject({
      state: 'Pending',
      rollout: 'stable-ab12',
    });
    expect(judgeHost(host(), [inState('Failed')], RULES).status).toMatchObject({ state: 'Failed' });
    expect(judgeHost(host(), [], RULES).status).not.toHaveProperty('declared');
  });

  it('goes by the record that is listed first where two were opened at the same time', () => {
    const other = recordObject();
    const records = [recordObject(), { ...other, spec: { ...other.spec, rolloutRef: 'stable-cd34' } }];
    const shownOf = (listed: readonly HostRolloutRecord[]) => judgeHost(host(), listed, RULES).status.rollout;
    expect(shownOf(records)).toBe('stable-ab12');
    expect(shownOf(records.toReversed())).toBe('stable-cd34');
  });

  it('has conditions of the generation that was looked at', () => {
    const generations = (generation?: number) => {
      const of = host(HEARD);
      const metadata = { ...of.metadata, ...(generation !== undefined && { generation }) };
      return judgeHost({ ...of, metadata }, [], RULES).status.conditions?.map(
        (one) => one.observedGeneration,
      );
    };
    expect(generations(3)).toEqual([3, 3, 3]);
    expect(generations()).toEqual([0, 0, 0]);
  });
});

describe('a verdict', () => {
  it.each<[string, HostStatus | undefined, HostStatus, boolean]>([
    ['of silence', { offline: false }, { offline: true }, true],
    ['of a first silence', undefined, { offline: true }, true],
    ['of a return', { offline: true }, { offline: false }, true],
    ['of a failure', { offline: false, state: 'Soaking' }, { offline: false, state: 'Failed' }, true],
    ['of a first failure', undefined, { offline: false, state: 'Failed' }, true],
    ['of a rollback', { offline: false, state: 'Failed' }, { offline: false, state: 'Reverted' }, true],
    [
      'of a failure that stands',
      { offline: false, state: 'Failed' },
      { offline: false, state: 'Failed' },
      false,
    ],
    ['of progress', { offline: false, state: 'Pending' }, { offline: false, state: 'Activating' }, false],
  ])('%s is urgent or not', (_, before, after, urgent) => {
    expect(isUrgentVerdict(before, after)).toBe(urgent);
  });

  it.each<[HostStatus, boolean]>([
    [{ state: 'Activating' }, true],
    [{ state: 'Soaking' }, true],
    [{ state: 'Soaking', declared: true }, true],
    [{ state: 'Converged', declared: false }, true],
    [{ state: 'Converged', declared: true }, false],
    [{ state: 'Converged' }, false],
    [{ state: 'Pending', declared: false }, false],
    [{ state: 'Failed', declared: false }, false],
  ])('of %j passes soon or not', (status, passing) => {
    expect(isPassing(status)).toBe(passing);
  });
});

describe('silence', () => {
  const ledFor = (ledForMs: number) => judgeSilence(host(SILENT), { ...RULES, ledForMs });

  it('is judged from the very moment on at which a leader has led for long enough', () => {
    expect(ledFor(900_000)).toEqual({ offline: true, unjudged: false });
    expect(ledFor(899_999)).toEqual({ offline: false, unjudged: true, lookAgainInMs: 2 });
  });
});
