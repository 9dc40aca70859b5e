import { useEffect, useState } from 'preact/hooks';
import { useResource } from '../shell/resource.ts';
import { addFault, clearFaults, countFaults, faults } from './simulator.ts';

const lookMs = 1_500;

/** Switches for what may go wrong at LiveChat. */
export function Faults() {
  const active = useResource('faults', countFaults);
  const [problem, setProblem] = useState('');
  const { reload } = active;
  useEffect(() => {
    const timer = setInterval(reload, lookMs);
    return () => clearInterval(timer);
  }, [reload]);
  const run = (work: Promise<unknown>) =>
    work.then(
      () => {
        setProblem('');
        reload();
      },
      ({ message }: Error) => setProblem(message),
    );
  const count = active.value ?? 0;
  return (
    <section class="card faults" aria-labelledby="faults-title">
      <h2 id="faults-title">Make LiveChat fail</h2>
      <div class="switches">
        {faults.map(({ name, about, request }) => (
          <button type="button" key={name} title={about} onClick={() => run(addFault(request))}>
            {name}
          </button>
        ))}
        <button
          type="button"
          class={count > 0 ? 'primary' : ''}
          disabled={count === 0}
          onClick={() => run(clearFaults())}
        >
          Make it well again
        </button>
      </div>
      <p role="status">
        {count === 0
          ? 'LiveChat is well.'
          : `${count} ${count === 1 ? 'fault is' : 'faults are'} waiting for the next sends.`}
      </p>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
