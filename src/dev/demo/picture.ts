import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { HostState } from '../../api/wire/enums.ts';
import { shortRef } from '../../core/naming.ts';
import type { FleetDesign } from '../local/release.ts';
import { currentRollout, recordsOf, type FleetState } from './observed-fleet.ts';

/** How a state is drawn: a sign, so that colour is not needed, and an SGR colour. */
interface Cell {
  readonly sign: string;
  readonly colour: number;
}

const cells: Readonly<Record<HostState | 'Delivered', Cell>> = {
  Pending: { sign: '·', colour: 90 },
  Delivered: { sign: '○', colour: 37 },
  Activating: { sign: '▶', colour: 33 },
  Deferred: { sign: '◔', colour: 35 },
  Soaking: { sign: '◐', colour: 36 },
  Converged: { sign: '●', colour: 32 },
  Failed: { sign: '✗', colour: 31 },
  Reverted: { sign: '↺', colour: 31 },
};

/** The explanation of the signs. */
export function legend(coloured: boolean): string {
  return Object.entries(cells)
    .map(([state, { sign, colour }]) => `${paint(sign, colour, coloured)} ${state}`)
    .join('  ');
}

/** The fleet as lines of text: per channel its waves with their hosts, and the first gate that holds somebody. */
export function picture(state: FleetState, fleet: FleetDesign, coloured: boolean): string[] {
  return Object.keys(fleet.waves).flatMap((channel) => channelLines(state, fleet, channel, coloured));
}

function channelLines(state: FleetState, fleet: FleetDesign, channel: string, coloured: boolean): string[] {
  const rollout = currentRollout(state, channel);
  const records = recordsOf(state, rollout);
  const converged = records.filter(({ status }) => status?.state === 'Converged').length;
  const head =
    rollout === undefined
      ? `${channel.padEnd(8)} no rollout yet`
      : `${channel.padEnd(8)} ${shortRef(rollout.spec.channelRef)}  ${(rollout.status?.state ?? 'Opening').padEnd(10)} ` +
        `wave ${(rollout.status?.currentWave ?? 0) + 1}/${rollout.spec.waves}  converged ${converged}/${rollout.spec.hostCount}`;
  const waves = (fleet.waves[channel] ?? []).map((hosts, index) => {
    const drawn = hosts.map((host) => {
      const record = records.find(({ spec }) => spec.hostname === host);
      const { sign, colour } = cells[cellOf(record)];
      return paint(`${sign} ${host}`, colour, coloured);
    });
    return `   wave ${index + 1}   ${drawn.join('   ')}`;
  });
  return [paint(head, 1, coloured), ...waves, ...heldLines(state, channel, coloured)];
}

function heldLines(state: FleetState, channel: string, coloured: boolean): string[] {
  const blocked = currentRollout(state, channel)?.status?.blocked?.[0];
  if (blocked === undefined) return [''];
  return [paint(`   held by ${blocked.gate}: ${blocked.hosts.join(', ')}: ${blocked.reason}`, 90, coloured)];
}

/** What a host's record looks like from outside: a state, or that its dispatch was delivered. */
export function cellOf(record: HostRolloutRecord | undefined): HostState | 'Delivered' {
  const state = record?.status?.state ?? 'Pending';
  return state === 'Pending' && record?.status?.dispatch?.deliveredAt !== undefined ? 'Delivered' : state;
}

function paint(text: string, colour: number, coloured: boolean): string {
  return coloured ? `\u001b[${colour}m${text}\u001b[0m` : text;
}
