// How a program here and the Go test that runs it talk: a line of JSON each way.
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

// ask sends a question to the test and gives its answer.
async function ask(question) {
  process.stdout.write(JSON.stringify(question) + '\n')
  const { value, done } = await lines.next()
  if (done) throw new Error('the test has gone away')
  return JSON.parse(value)
}

// visit has the user open an address in a browser. It gives the address at which
// they arrived at the app, with what was posted there, if anything.
export async function visit(address) {
  const { url, form } = await ask({ visit: String(address) })
  return { url: new URL(url), form }
}

// approve has the user type a device's code.
export const approve = (code) => ask({ approve: code })

// run runs the flow that the command line names, says what it has found out, and
// ends the program.
export async function run(flows) {
  const flow = flows[process.argv[2]]
  if (!flow) throw new Error(`there is no flow ${process.argv[2]}`)
  const result = await flow()
  process.stdout.write(JSON.stringify({ done: result ?? {} }) + '\n')
  process.exit(0)
}

// settings are what the test has registered.
export const settings = JSON.parse(process.env.SETTINGS ?? '{}')
