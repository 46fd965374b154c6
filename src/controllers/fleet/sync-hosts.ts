import { isDeepStrictEqual } from 'node:util';
import type { Host, HostSpec } from '../../api/kinds/host.ts';
import { hostResource } from '../../api/kinds/resources.ts';
import type { Release } from '../../core/artifacts/release.ts';
import { hostName } from '../../core/naming.ts';
import { desiredHostSpec, newHost, type FleetPlace } from '../../core/rollout/open.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { createObject, deleteObject, updateObject } from '../../kube/writes.ts';
import { keyIn, type ControllerContext } from '../context.ts';

const PARALLEL_WRITES = 16;

/** Hosts, as cached, that were found to say what a release declares; objects of a store never change in place. */
const agreed = new WeakMap<Host, Release>();

/** Makes the Host objects say what the content in force declares: missing ones are made, undeclared ones go. */
export async function syncHosts(context: ControllerContext, release: Release): Promise<void> {
  const place: FleetPlace = { namespace: context.namespace, fleetName: context.fleetName };
  const declared = new Set<string>();
  await forEachParallel(Object.entries(release.fleet.hosts), PARALLEL_WRITES, async ([hostname, host]) => {
    const name = hostName(hostname);
    declared.add(name);
    const existing = context.stores.hosts.get(keyIn(context, name));
    if (existing === undefined) await createHost(context, newHost(place, hostname, host));
    else if (agreed.get(existing) !== release) {
      await updateHost(context, existing, desiredHostSpec(context.fleetName, hostname, host));
      const current = context.stores.hosts.get(keyIn(context, name));
      if (current !== undefined) agreed.set(current, release);
    }
  });
  const undeclared = context.stores.hosts.list().filter((host) => !declared.has(host.metadata.name));
  await forEachParallel(undeclared, PARALLEL_WRITES, (host) =>
    deleteObject(context.client, hostResource, context.stores.hosts, host),
  );
}

async function createHost(context: ControllerContext, host: Host): Promise<void> {
  try {
    await createObject(context.client, hostResource, context.stores.hosts, host);
  } catch (error) {
    // The cache lags behind an earlier pass; its next event brings this Host back here.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function updateHost(context: ControllerContext, host: Host, desired: HostSpec): Promise<void> {
  const { revokedBefore } = host.spec;
  const spec = { ...desired, ...(revokedBefore !== undefined && { revokedBefore }) };
  if (isDeepStrictEqual(host.spec, spec)) return;
  await updateObject(context.client, hostResource, context.stores.hosts, {
    base: host,
    next: { ...host, spec },
  });
}
