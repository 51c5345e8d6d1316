# Messages between mongrel2 and a handler, as functions over bytes. Dies where bytes are malformed.
package Mongrel2;
use strict;
use warnings;
use JSON::PP ();

# One netstring-like value and the bytes behind it: (bytes, type, rest).
sub netstring {
    my ($data) = @_;
    $data =~ /\A([0-9]{1,9}):/ or die "no length\n";
    my ($size, $begin) = ($1, $+[0]);
    length($data) > $begin + $size or die "cut off\n";
    return (substr($data, $begin, $size), substr($data, $begin + $size, 1), substr($data, $begin + $size + 1));
}

# A tagged netstring and the bytes behind it: (value, rest).
sub tnetstring {
    my ($bytes, $type, $rest) = netstring($_[0]);
    return ($bytes, $rest) if $type eq ',';
    return ($bytes + 0, $rest) if $type eq '#' or $type eq '^';
    return ($bytes eq 'true' ? JSON::PP::true : JSON::PP::false, $rest) if $type eq '!';
    return (undef, $rest) if $type eq '~';
    my @items;
    while (length $bytes) { (my $item, $bytes) = tnetstring($bytes); push @items, $item }
    return (\@items, $rest) if $type eq ']';
    $type eq '}' && @items % 2 == 0 or die "no such type\n";
    return ({@items}, $rest);
}

# A request as a hash: sender, conn_id, path, headers, body.
sub request {
    my ($sender, $conn_id, $path, $rest) = split / /, $_[0], 4;
    defined $rest or die "too few words\n";
    my ($text, $type, $after) = netstring($rest);
    my $headers = $type eq ',' ? JSON::PP->new->loose->decode($text) : (tnetstring($rest))[0];
    my ($body, $comma) = netstring($after);
    $comma eq ',' or die "no body\n";
    return {sender => $sender, conn_id => $conn_id + 0, path => $path, headers => $headers, body => $body};
}

# A reply to connections of a server.
sub reply {
    my ($sender, $ids, $bytes) = @_;
    my $text = join ' ', @$ids;
    return "$sender " . length($text) . ":$text, $bytes";
}

sub http {
    my ($body) = @_;
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}

1;
