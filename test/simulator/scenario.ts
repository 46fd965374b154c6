import type { HostBehaviour, ProbeDeclaration } from '../../src/agent/behaviour.ts';
import type { AgentQuirks } from '../../src/agent/quirks.ts';
import type { FleetDesign, ReleaseDesign } from './design.ts';

/** A whole run as data: with the same scenario, the same things happen. */
export interface Scenario {
  /** Seeds what is drawn while it runs: latencies, lags, which replica a host reaches. */
  readonly seed: number;
  /** Simulated minutes at most. */
  readonly minutes: number;
  readonly design: FleetDesign;
  readonly offline: { readonly after: string; readonly policy: 'Wait' | 'Skip' };
  readonly hosts: Readonly<Record<string, HostPlan>>;
  /** In order of time; the same commit again is signed anew. */
  readonly releases: readonly (ReleaseDesign & { readonly atSeconds: number })[];
  /** How often CI signs the release in force again; never where absent. */
  readonly signsEveryMinutes?: number;
  readonly faults: readonly Fault[];
  readonly weather: Weather;
  /** What to expect of the end. */
  readonly promises: Promises;
}

/** How well caches and connections work. */
export interface Weather {
  /** Everything takes the same time always, so that a story does not change with every request that is added. */
  readonly steady?: boolean;
  /** Share of requests that take long. */
  readonly slow: number;
  /** Share of requests that get no answer. */
  readonly broken: number;
  /** Share of watch events that come seconds late. */
  readonly stale: number;
}

/** What a run has to end with. */
export interface Promises {
  /** Every rollout in force is Terminal at the end, or the Fleet says Deadlocked. */
  readonly ends: boolean;
}

/** How one host is. */
export interface HostPlan {
  readonly closureCommit: number;
  readonly skewMs?: number;
  readonly behaviour?: HostBehaviour;
  readonly probes?: readonly ProbeDeclaration[];
  readonly quirks?: Partial<AgentQuirks>;
  /** Says things that are not so, twice, late or in another order. */
  readonly lies?: boolean;
}

/** Something that happens from outside. */
export type Fault = { readonly atSeconds: number } & (
  | { readonly kind: 'kill'; readonly who: 'leader' | 'other' }
  | { readonly kind: 'pause'; readonly who: 'leader' | 'other'; readonly seconds: number }
  | { readonly kind: 'offline'; readonly host: string; readonly seconds: number }
  | { readonly kind: 'restart-agent'; readonly host: string; readonly seconds: number }
  | { readonly kind: 'mend'; readonly host: string }
  | { readonly kind: 'wipe' }
  | { readonly kind: 'pause-rollout'; readonly channel: string; readonly on: boolean }
  | { readonly kind: 'hold'; readonly on: boolean }
  | { readonly kind: 'clear'; readonly channel: string; readonly hosts: readonly string[] }
  | { readonly kind: 'retry'; readonly host: string }
  | { readonly kind: 'lift-quarantines' }
);
