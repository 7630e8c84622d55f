// Serves DynamoDB on a free port of the loopback interface, and prints the port once it listens.
// Argument: a folder to keep the tables in; without one they are in memory.
const dynalite = require('dynalite')

const server = dynalite({
  path: process.argv[2],
  createTableMs: 0,
  deleteTableMs: 0,
  updateTableMs: 0,
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
