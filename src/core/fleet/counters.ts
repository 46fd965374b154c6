import type { FleetStatus } from '../../api/kinds/fleet.ts';
import type { Host } from '../../api/kinds/host.ts';
import type { Release } from '../artifacts/release.ts';
import { shortRef } from '../naming.ts';

/** How many hosts a release declares, and how many of them were heard of (kubernetes-api.md, Fleet). */
export function countersOf(release: Release, hosts: readonly Host[]): Pick<FleetStatus, 'hosts' | 'summary'> {
  const counters = countHosts(release, hosts);
  const { online, total } = counters;
  return {
    hosts: counters,
    summary: { commit: shortRef(release.ciCommit), online: `${online}/${total}` },
  };
}

function countHosts(release: Release, hosts: readonly Host[]): NonNullable<FleetStatus['hosts']> {
  const declared = Object.entries(release.fleet.hosts);
  const byName = new Map(hosts.map((host) => [host.spec.hostname, host]));
  let online = 0;
  let offline = 0;
  let unmanaged = 0;
  for (const [hostname, { closureHash, channel }] of declared) {
    const status = byName.get(hostname)?.status;
    if (status?.offline === true) offline += 1;
    else if (status?.lastSeenTime !== undefined) online += 1;
    if (closureHash === null || !release.manifests.has(channel)) unmanaged += 1;
  }
  return { total: declared.length, online, offline, unmanaged };
}
