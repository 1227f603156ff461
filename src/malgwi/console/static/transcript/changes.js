/** Undo and redo over revisions that the gateway numbers: an undo is a new revision there. Pure. */

export class Changes {
  /** @param {number} revision the current one */
  constructor(revision) {
    this.states = Array.from({ length: revision }, (_, at) => at + 1);
    this.at = revision - 1;
  }

  /** Somebody here made a revision. @param {number} revision */
  did(revision) {
    if (this.states[this.at] === revision) return; // nothing became other
    this.states = [...this.states.slice(0, this.at + 1), revision];
    this.at = this.states.length - 1;
  }

  /** The revision that says what was said before the last change; undefined where there is none. */
  get before() {
    return this.states[this.at - 1];
  }

  /** The revision that says what was undone last. */
  get after() {
    return this.states[this.at + 1];
  }

  undone() {
    this.at--;
  }

  redone() {
    this.at++;
  }
}
