import type { OnHealthFailure } from '../../src/api/wire/enums.ts';

/** A fleet as CI would declare it, without what changes from release to release. */
export interface FleetDesign {
  readonly hosts: readonly HostDesign[];
  readonly channels: readonly ChannelDesign[];
  /** Hosts of one channel: `gates` before `gated`. */
  readonly edges: readonly Edge[];
  readonly channelEdges: readonly Edge[];
  readonly budgets: readonly BudgetDesign[];
}

export interface HostDesign {
  readonly name: string;
  readonly channel: string;
  readonly tags: readonly string[];
}

export interface ChannelDesign {
  readonly name: string;
  /** Hosts by wave; empty: the channel declares no waves. */
  readonly waves: readonly (readonly string[])[];
  readonly soakMinutes: number;
  readonly onHealthFailure: OnHealthFailure;
}

export interface Edge {
  readonly gates: string;
  readonly gated: string;
}

/** A limit on hosts with this tag, or on all. */
export interface BudgetDesign {
  readonly tag: string | undefined;
  readonly maxInFlight?: number;
  readonly maxInFlightPct?: number;
}

/** One commit: what its hosts run. */
export interface ReleaseDesign {
  /** Number of the commit; the same number is the same content. */
  readonly commit: number;
  /** Hosts that this commit does not build. */
  readonly without?: readonly string[];
}

/** A full commit id. */
export function commitOf(commit: number): string {
  return (commit * 0x1234567 + 0xabc).toString(16).padStart(8, '0').slice(-8).repeat(5);
}

/** What a host runs of a commit: every commit changes everything. */
export function closureOf(host: string, commit: number): string {
  return `${String(commit).padStart(2, '0')}${'0'.repeat(30)}-nixos-system-${host}-r${commit}`;
}

/** The commit that a closure is of. */
export function commitOfClosure(closure: string): number {
  return Number(closure.slice(0, 2));
}
