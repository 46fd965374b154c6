/** What the planner knows about the recovery of Pending records; asked at every fold (architecture.md D5, D20). */
export interface RecoveryGates {
  /** Whether no gate stands in the way of recovering this Pending record. */
  isOpen(recordName: string): boolean;
  /** Whether an earlier record of the host has the same target and is not Converged, so that it has to soak (D20). */
  stopAtSoaking(recordName: string): boolean;
}

/** Lets nothing through: right until a plan was made. */
export const closedGates: RecoveryGates = { isOpen: () => false, stopAtSoaking: () => true };
