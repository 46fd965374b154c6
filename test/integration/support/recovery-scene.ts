import { expect } from 'vitest';
import type { OperatorRoom } from './operator-room.ts';
import { ALL_HOSTS, numbered, RECOVERY_FLEET, RecoveryHosts, wantedOf } from './recovery-fleet.ts';

const MINUTE = 60_000;
/** Hosts that are in the middle of a switch when everything is lost: one that will end, and one that never will. */
export interface MidSwitch {
  readonly ends: string;
  readonly hangs: string;
}
/** Those of the first loss and of the second. */
export const MID_SWITCH = [
  { ends: 'd-01', hangs: 'd-02' },
  { ends: 'd-03', hangs: 'd-04' },
] as const satisfies readonly MidSwitch[];
/** The one that is never heard of. */
export const SILENT = 'o-02';

/** What people see of hosts, by name. */
export type Picture = Readonly<Record<string, string>>;

/** The same for several hosts. */
export function every(names: readonly string[], seen: string): Picture {
  return Object.fromEntries(names.map((name) => [name, seen]));
}

/**
 * What people see of every host: `=` where it runs what is declared, its state, `offline`, the gates that hold it. A
 * state that only the record shows, and the Host does not yet, is marked.
 */
export async function picture(room: OperatorRoom): Promise<Picture> {
  const records = new Map((await room.records()).map((record) => [record.spec.hostname, record.status]));
  return Object.fromEntries(
    (await room.hostObjects()).map(({ spec: { hostname }, status }) => {
      const record = records.get(hostname);
      const state = record?.state ?? 'Pending';
      const parts = [
        ...(status?.declared === true ? ['='] : []),
        state === status?.state ? state : `${state} (shown: ${status?.state ?? 'none'})`,
        ...(status?.offline === true ? ['offline'] : []),
        ...(record?.blockedBy ?? []).map(({ gate }) => gate),
      ];
      return [hostname, parts.join(' ')] as const;
    }),
  );
}

/** Waits until people see this of these hosts. */
export async function shows(room: OperatorRoom, expected: Picture, timeout: number): Promise<void> {
  await expect.poll(() => picture(room), { timeout, interval: 100 }).toMatchObject(expected);
}

/** Brings fifty hosts, who are left to themselves, to every state there is. */
export async function setTheScene(room: OperatorRoom): Promise<RecoveryHosts> {
  await room.publish(RECOVERY_FLEET);
  await expect.poll(async () => (await room.hostObjects()).length).toBe(ALL_HOSTS.length);
  const hosts = await RecoveryHosts.of(room);
  await join(
    room,
    hosts,
    ALL_HOSTS.filter((name) => !name.startsWith('d-') && name !== SILENT),
  );
  await shows(
    room,
    { ...every(numbered('a', 13, 18), 'Converged'), 'b-03': 'Soaking', 'g-01': 'Failed' },
    40_000,
  );
  // A failure counts after two minutes, and the switch back is seen by a heartbeat after the failure was told.
  for (let minute = 0; minute < 8 && (await room.state('b-03')) !== 'Reverted'; minute += 1) {
    await passMinute(room, hosts);
  }
  const scene: Picture = {
    ...every(numbered('a', 1, 18), '= Converged'),
    ...every(['b-01', 'b-02', 'g-02', 'o-01'], '= Converged'),
    ...every(numbered('b', 5, 10), 'Pending rollout-halted wave-promotion compliance-wave'),
    'b-03': 'Reverted',
    'b-04': 'Pending rollout-halted quarantine host-edge',
    'b-11': '= Pending rollout-halted wave-promotion compliance-wave',
    ...every(numbered('e', 1, 4), '= Pending channel-edges'),
    'e-05': 'Pending channel-edges',
    'g-01': 'Failed',
    'g-03': 'Pending rollout-halted wave-promotion',
    'o-03': 'Pending wave-promotion',
    ...every(['s-01', 's-02'], '= Soaking'),
    ...every(['s-03', 's-04'], 'Pending wave-promotion'),
    'z-01': '= Pending disruption-budget',
    'z-02': 'Pending disruption-budget',
  };
  await shows(room, scene, 40_000);
  return hosts;
}

/**
 * Lets a minute pass in which every host reports, at its end. What falls due before that has its say first, as it would
 * have had.
 */
export async function passMinute(room: OperatorRoom, hosts: RecoveryHosts): Promise<void> {
  await hosts.untilQuiet();
  const since = hosts.feed.length;
  const online = hosts.online();
  room.clock.leap(45_000);
  await hosts.untilQuiet();
  room.clock.leap(MINUTE - 45_000);
  const everybody = (): boolean =>
    Object.values(hosts.count('heartbeat', online, since)).every((count) => count > 0);
  await expect.poll(everybody).toBe(true);
}

/** Brings two hosts into the middle of their switch. */
export async function beginSwitches(
  room: OperatorRoom,
  hosts: RecoveryHosts,
  { ends, hangs }: MidSwitch,
): Promise<void> {
  await join(room, hosts, [ends, hangs]);
  await shows(room, every([ends, hangs], 'Activating'), 40_000);
}

/** Starts hosts and waits until the operator has heard each of them twice, a minute apart. */
async function join(room: OperatorRoom, hosts: RecoveryHosts, names: readonly string[]): Promise<void> {
  hosts.start(names);
  const known = async (): Promise<string[]> => {
    const reported = (await room.hostObjects()).filter(({ status }) => status?.closure !== undefined);
    return names.filter((name) => !reported.some(({ spec }) => spec.hostname === name));
  };
  await expect.poll(known).toEqual([]);
  await expect.poll(() => hosts.uninformed()).toEqual([]);
  await passMinute(room, hosts);
}

/** Kills the agent of a host whose switch hangs: a new one remembers nothing, and its own switch goes well. */
export function loseMemory(hosts: RecoveryHosts, name: string): void {
  hosts.get(name).machine.behaviour = {};
  hosts.get(name).restartAgent(0);
}

/** Ends a switch as the service that runs it would. */
export function finishSwitch(hosts: RecoveryHosts, name: string): void {
  const { machine } = hosts.get(name);
  machine.boot();
  if (machine.closure !== wantedOf(name)) throw new Error(`${name} was not switching`);
}
