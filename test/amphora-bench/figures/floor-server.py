"""Answers each connection with one fixed answer: what a client's own work and its TLS handshake cost.

floor-server.py PORT SERVER_PEM AUTHORITY_PEM
"""

import socket
import ssl
import sys

port, pem, authority = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pem)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
body = b'{"api_version": "1.0"}'
head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"
answer = head.format(len(body)).encode() + body
listener = socket.create_server(("", int(port)), backlog=64)
while True:
    plain, _ = listener.accept()
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            connection.sendall(answer)
    except OSError:
        plain.close()
