import { describe, expect, test } from 'vitest';
import { hostResource, hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import { isAlreadyExists, isConflict, isNotFound, KubeError } from '../../src/kube/errors.ts';
import { EventLoop } from '../simulator/event-loop.ts';
import { SimApi, type ApiChange } from '../simulator/sim-api.ts';

const ref = { name: 'r.h1', namespace: 'fleet' };
const record = (): HostRolloutRecord =>
  ({ apiVersion: 'v', kind: 'K', metadata: ref, spec: { hostname: 'h1' } }) as unknown as HostRolloutRecord;

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('the simulated API server answers as the real one', () => {
  const api = (): SimApi => new SimApi(new EventLoop());

  test('a new object gets its identity and the defaults of its status, whatever status was sent', () => {
    const created = api().create(
      hostRolloutRecordResource,
      { ...record(), status: { state: 'Failed', lastEventSeq: 9 } },
      'me',
    );
    expect(created.status).toEqual({ state: 'Pending', lastEventSeq: 0 });
    expect(created.metadata).toMatchObject({ uid: 'uid-1', resourceVersion: '1', generation: 1 });
  });

  test('a name can be taken once', () => {
    const server = api();
    server.create(hostRolloutRecordResource, record(), 'me');
    expect(isAlreadyExists(thrownBy(() => server.create(hostRolloutRecordResource, record(), 'me')))).toBe(
      true,
    );
  });

  test('a write on an old version loses, one without a version is invalid, one that changes nothing is none', () => {
    const server = api();
    const first = server.create(hostRolloutRecordResource, record(), 'me');
    const second = server.replaceStatus(
      hostRolloutRecordResource,
      { ...first, status: { state: 'Activating', lastEventSeq: 1 } },
      'me',
    );
    const again = server.replaceStatus(hostRolloutRecordResource, second, 'me');
    expect(again.metadata.resourceVersion).toBe(second.metadata.resourceVersion);
    expect(isConflict(thrownBy(() => server.replaceStatus(hostRolloutRecordResource, first, 'me')))).toBe(
      true,
    );
    const { resourceVersion: _version, ...metadata } = second.metadata;
    const blind = thrownBy(() =>
      server.replaceStatus(hostRolloutRecordResource, { ...second, metadata }, 'me'),
    );
    expect(blind).toMatchObject({ status: 422 });
  });

  test('the status has a path of its own: neither write touches the other half', () => {
    const server = api();
    const first = server.create(hostResource, { ...record(), spec: { tags: [] } } as never, 'me');
    const status = server.replaceStatus(
      hostResource,
      { ...first, spec: { tags: ['x'] } as never, status: { closure: 'c' } },
      'me',
    );
    expect(status.spec).toEqual({ tags: [] });
    const spec = server.replace(
      hostResource,
      { ...status, spec: { tags: ['y'] } as never, status: {} },
      'me',
    );
    expect(spec.status).toEqual({ closure: 'c' });
    expect(spec.metadata.generation).toBe(2);
  });

  test.each([
    ['a number that was promised falls', { state: 'Activating', lastEventSeq: 4 }],
    ['an end state is left', { state: 'Soaking', lastEventSeq: 6 }],
  ] as const)('%s: refused as the CEL rules do', (_what, status) => {
    const server = api();
    const first = server.create(hostRolloutRecordResource, record(), 'me');
    const ended = server.replaceStatus(
      hostRolloutRecordResource,
      { ...first, status: { state: 'Converged', lastEventSeq: 5 } },
      'me',
    );
    const refused = thrownBy(() =>
      server.replaceStatus(hostRolloutRecordResource, { ...ended, status: { ...status } }, 'me'),
    );
    expect(refused).toBeInstanceOf(KubeError);
    expect(refused).toMatchObject({ status: 422 });
  });

  test('a delete may name uid and version; afterwards nothing is there, and everybody was told in order', () => {
    const server = api();
    const changes: ApiChange[] = [];
    server.onChange((change) => changes.push(change));
    const created = server.create(rolloutResource, record() as never, 'me');
    const wrong = thrownBy(() => server.delete(rolloutResource, ref, { uid: 'other' }, 'me'));
    expect(isConflict(wrong)).toBe(true);
    const { uid, resourceVersion } = created.metadata;
    expect(server.delete(rolloutResource, ref, { uid, resourceVersion }, 'me')).toEqual({ gone: true });
    expect(isNotFound(thrownBy(() => server.get(rolloutResource, ref)))).toBe(true);
    expect(changes.map(({ type, object }) => [type, object.metadata.resourceVersion])).toEqual([
      ['ADDED', '1'],
      ['DELETED', '2'],
    ]);
  });

  test('what is stored can no longer be changed in place', () => {
    const created = api().create(hostRolloutRecordResource, record(), 'me');
    expect(Object.isFrozen(created)).toBe(true);
    expect(Object.isFrozen(created.spec)).toBe(true);
  });
});
